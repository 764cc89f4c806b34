// A* with Manhattan distance on the 15-puzzle: search/integer_kernel.py once more, in C++, for its speed to be measured by.
//
// Same table, hash, bucket queue, record of a node, rounds, what is fetched ahead, order of ties and growth, so it expands and
// generates the same nodes in the same order, and `tests/test_yardsticks.py` holds that. Where C++ may do better it does: one board
// size known when compiled, unsigned and narrow indices, a table of the moves of each blank. Source: Burns, Hatem, Leighton, Ruml 2012.
//
// Compiled with -DPLAIN it has the table of the textbooks instead: one slot is looked at after another, and a larger table is filled
// anew from the rows; and every search takes fresh pages from the system.
//
// Arguments: instances, 16 numbers in one argument each, the goal 0 1 ... 15. Prints one JSON object a line for each.

#if defined(__AVX2__) && !defined(PLAIN)
#define EIGHT_AT_ONCE
#include <immintrin.h>
#endif
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;

constexpr i32 NONE = -1;
constexpr int CLOSED = 1, GOAL = 2;
constexpr u32 TIES = 32, FEW = 1024, ACTIONS = 4, ROOM = TIES * ACTIONS;
constexpr u32 KEYS = 128, DISTANCES = 128;  // the 15-puzzle needs no more: h <= 64, f <= 80
constexpr u32 CHUNK_BITS = 4, CHUNK = 1u << CHUNK_BITS, LAST = CHUNK - 1;
#ifdef PLAIN
constexpr u32 LANES = 1;
constexpr bool DOUBLES = false, KEEPS = false;
#else
constexpr u32 LANES = 8;        // slots that are looked at together: see envs/state_table.py
constexpr bool DOUBLES = true;  // does a large table grow where it is?
constexpr bool KEEPS = true;    // do arrays keep their pages for the next search?
#endif
constexpr u32 AHEAD = 32, GROUPS_AHEAD = 8, FIRST_NODES = 1024, FIRST_ENTRIES = 512, FAST_GROWTH = 1u << 16;
constexpr u64 BOARD_GOAL = 0xFEDCBA9876543210ull;

// --- arrays that grow where they are, on huge pages that the next search finds filled, as in search/pages.py ------------------------

constexpr u64 LARGE = 1u << 19, HUGE = 1u << 21, SPACE = 1ull << 34;  // bytes: of an array with pages of its own, a page, address space
u64 bytes_held = 0, bytes_peak = 0;

template <typename T>
struct Array {
  T* data = nullptr;
  u64 size = 0, space = 0;  // space: bytes of address space, 0 when the memory is malloc's

  void grow(u64 count) {
    if (count == size) return;
    u64 bytes = count * sizeof(T);
    if (bytes < LARGE && !space) {
      data = static_cast<T*>(std::realloc(data, bytes));
    } else {
      if (!space) {
        void* pages = mmap(nullptr, SPACE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (pages == MAP_FAILED) std::abort();
        madvise(pages, HUGE, MADV_HUGEPAGE);
        if (size) std::memcpy(pages, data, size * sizeof(T));
        std::free(data);
        data = static_cast<T*>(pages), space = SPACE;
      }
      madvise(data, (bytes + HUGE - 1) / HUGE * HUGE, MADV_HUGEPAGE);
    }
    if (!data) std::abort();
    bytes_held += (count - size) * sizeof(T);
    size = count;
    bytes_peak = std::max(bytes_peak, bytes_held);
  }

  void release() {
    if (space)
      munmap(data, space);
    else
      std::free(data);
    bytes_held -= size * sizeof(T);
    data = nullptr, size = space = 0;
  }

  void empty() {
    if (!KEEPS || !space) return release();
    bytes_held -= size * sizeof(T);
    size = 0;
  }

  T& operator[](u64 index) const { return data[index]; }
};

// --- the world ---------------------------------------------------------------------------------------------------------------

struct Move {
  std::uint8_t action, cell;
};

struct World {
  Move moves[5][16][4];  // [1 + last action, 0 at the root][the blank's cell]: up, down, left, right, where legal and not the way back
  int count[5][16];
  std::int8_t change[16][16][16];  // Manhattan distance gained when a tile [first] moves from a cell [second] to another [third]
  int distance[16][16];

  World() {
    const int down[4] = {-1, 1, 0, 0}, right[4] = {0, 0, -1, 1}, inverse[4] = {1, 0, 3, 2};
    for (int cell = 0; cell < 16; cell++) {
      for (int last = 0; last < 5; last++) {
        int& legal = count[last][cell] = 0;
        for (int action = 0; action < 4; action++) {
          int row = cell / 4 + down[action], column = cell % 4 + right[action];
          if (row >= 0 && row < 4 && column >= 0 && column < 4 && (last == 0 || action != inverse[last - 1]))
            moves[last][cell][legal++] = {static_cast<std::uint8_t>(action), static_cast<std::uint8_t>(4 * row + column)};
        }
      }
      for (int tile = 0; tile < 16; tile++)
        distance[tile][cell] = tile ? std::abs(tile / 4 - cell / 4) + std::abs(tile % 4 - cell % 4) : 0;
    }
    for (int tile = 0; tile < 16; tile++)
      for (int from = 0; from < 16; from++)
        for (int to = 0; to < 16; to++) change[tile][from][to] = static_cast<std::int8_t>(distance[tile][to] - distance[tile][from]);
  }
};

const World world;

inline u32 blank_of(u64 board) {
  u64 occupied = board | board >> 2;
  occupied |= occupied >> 1;
  return static_cast<u32>(__builtin_ctzll(~occupied & 0x1111111111111111ull)) >> 2;
}

inline u64 hash_of(u64 board) {
  u64 mixed = board * 0x9E3779B97F4A7C15ull;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
  return mixed ^ mixed >> 32;
}

inline u64 seeded_bits(u64 number, u64 seed) {
  u64 mixed = (number + 0x9E3779B97F4A7C15ull * (seed + 1)) * 0x9E3779B97F4A7C15ull;
  mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9ull;
  return mixed ^ mixed >> 32;
}

// --- the search --------------------------------------------------------------------------------------------------------------

struct Made {  // a successor of the round
  u64 board;
  i32 parent;
  u32 hash, slot;
  std::int16_t g, h;
  std::int16_t action;
};

struct __attribute__((packed)) Record {  // of a node
  i32 parent;
  std::int16_t g, h, action;
  std::int8_t flags;
};

struct Search {
  Array<u64> states;
  Array<Record> records;
  Array<u32> slots;  // 0 or some bits of the hash above 1 + the node: see envs/state_table.py
  Array<i32> chunks, below;
  i32 top[KEYS][DISTANCES];
  u32 lowest[KEYS];
  u32 nodes, taken_chunks, least_key, mask;
  i32 first_free;
  u64 entries, expansions, generated;
  Made made[ROOM];

  void resize(u64 capacity, u64 chunk_capacity) {
    states.grow(capacity), records.grow(capacity);
    chunks.grow(chunk_capacity * CHUNK), below.grow(chunk_capacity);
    u64 needed = 1;
    while (needed < 2 * capacity - 1) needed <<= 1;
    if (slots.size >= needed) return;
    if (slots.space && DOUBLES) {
      u32 size = static_cast<u32>(slots.size);
      slots.grow(needed);
      for (; size < needed; size *= 2) double_table(size);
      return;
    }
    if (slots.data) slots.release();
    slots.grow(needed);
    if (!slots.space) std::memset(slots.data, 0, needed * sizeof(u32));
    mask = static_cast<u32>(needed - 1);
    for (u32 node = 0; node < nodes; node++) {
      if (node + AHEAD < nodes) __builtin_prefetch(&slots[home_of(static_cast<u32>(hash_of(states[node + AHEAD])))]);
      add(node);
    }
  }

  void double_table(u32 size) {
    u32 old_mask = size - 1, first = 0, aside[LANES];
    mask = 2 * size - 1;
    while (slots[first + LANES - 1]) first += LANES;
    bool after_full = false;
    for (u32 done = LANES; done < size + LANES; done += LANES) {
      u32 group = (first + done) & old_mask, low = group, high = group + size, strays = 0;
      u32 ahead = (group + LANES * GROUPS_AHEAD) & old_mask;
      if (slots[ahead + LANES - 1])
        for (u32 place = 0; place < LANES; place++)
          __builtin_prefetch(&states[(slots[((ahead + LANES) & old_mask) + place] & old_mask) - 1]);
      bool is_full = slots[group + LANES - 1] != 0;
      for (u32 place = 0; place < LANES; place++) {
        u32 entry = slots[group + place];
        if (!entry) break;
        slots[group + place] = 0;
        u32 node = (entry & old_mask) - 1;
        if (after_full && (hash_of(states[node]) & old_mask & ~(LANES - 1)) != group) {
          aside[strays++] = node;
          continue;
        }
        bool moves = entry & size;
        slots[moves ? high : low] = entry & ~size;
        high += moves, low += !moves;
      }
      for (u32 stray = 0; stray < strays; stray++) add(aside[stray]);
      after_full = is_full;
    }
  }

  void add(u32 node) {
    u32 hash = static_cast<u32>(hash_of(states[node])), slot = home_of(hash), place;
    while ((place = first_of(slot, 0, ~0u)) == LANES) slot = (slot + LANES) & mask;
    slots[slot + place] = entry_of(hash, node);
  }

  u32 home_of(u32 hash) const { return hash & mask & ~(LANES - 1); }

  // The place of the first of a group's slots that is empty or has the bits of `wanted` where `care` has ones, LANES when none is.
  u32 first_of(u32 slot, u32 wanted, u32 care) const {
#ifdef EIGHT_AT_ONCE
    __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&slots[slot])), zero = _mm256_setzero_si256();
    __m256i differs = _mm256_and_si256(_mm256_xor_si256(words, _mm256_set1_epi32(static_cast<i32>(wanted))),
                                       _mm256_set1_epi32(static_cast<i32>(care)));
    __m256i found = _mm256_or_si256(_mm256_cmpeq_epi32(words, zero), _mm256_cmpeq_epi32(differs, zero));
    return static_cast<u32>(__builtin_ctz(static_cast<u32>(_mm256_movemask_ps(_mm256_castsi256_ps(found))) | 1u << LANES));
#else
    u32 place = 0;
    while (place < LANES && slots[slot + place] && ((slots[slot + place] ^ wanted) & care)) place++;
    return place;
#endif
  }

  u32 entry_of(u32 hash, u32 node) const { return (hash & ~mask) | (node + 1); }

  // The first slot on the way from home that is empty or has the hash.
  u32 likely_slot(u32 hash) const {
    u32 slot = home_of(hash), place;
    while ((place = first_of(slot, hash, ~mask)) == LANES) slot = (slot + LANES) & mask;
    return slot + place;
  }

  void grow() {
    u64 capacity = states.size, chunk_capacity = below.size;
    if (nodes + ROOM > capacity) {
      capacity = std::max<u64>(capacity < FAST_GROWTH ? 4 * capacity : capacity * 3 / 2, nodes + ROOM);
      if (nodes + ROOM <= slots.size / 2) capacity = std::min(capacity, slots.size / 2);
    }
    if (taken_chunks + ROOM > chunk_capacity)
      chunk_capacity = (chunk_capacity < FAST_GROWTH ? 4 * chunk_capacity : chunk_capacity * 3 / 2) + ROOM;
    resize(capacity, chunk_capacity);
  }

  void push(u32 key, u32 distance, i32 node) {
    i32& head = top[key][distance];
    i32 place = head;
    if (((place + 1) & LAST) == 0) {
      i32 chunk = first_free;
      if (chunk == NONE)
        chunk = static_cast<i32>(taken_chunks++);
      else
        first_free = below[chunk];
      below[chunk] = place;
      place = chunk << CHUNK_BITS;
      lowest[key] = std::min(lowest[key], distance);
      least_key = std::min(least_key, key);
    } else {
      place++;
    }
    chunks[place] = node;
    head = place;
    entries++;
  }

  u32 find_best() {
    u32 key = least_key, distance = lowest[key];
    while (distance == DISTANCES || top[key][distance] == NONE) {
      if (distance < DISTANCES) {
        distance++;
      } else {
        lowest[key] = DISTANCES;
        distance = lowest[++key];
      }
    }
    least_key = key, lowest[key] = distance;
    return distance;
  }

  i32 drop(i32 place) {
    entries--;
    if (place & LAST) return place - 1;
    i32 chunk = place >> CHUNK_BITS, last = below[chunk];
    below[chunk] = first_free;
    first_free = chunk;
    return last;
  }

  void fetch_next(u32 most) {
    if (!entries) return;
    u32 distance = find_best();
    i32 place = top[least_key][distance];
    for (u32 count = 0; place != NONE && count < most; count++) {
      i32 node = chunks[place];
      __builtin_prefetch(&states[node]);
      __builtin_prefetch(&records[node]);
      place = place & LAST ? place - 1 : below[place >> CHUNK_BITS];
    }
  }

  // Finds the node of the goal, or NONE when there is no solution.
  i32 run(u64 root, u64 seed) {
    nodes = taken_chunks = mask = 0, entries = expansions = generated = 0, first_free = NONE;
    std::memset(top, 0xFF, sizeof top);
    std::fill(lowest, lowest + KEYS, DISTANCES);
    resize(FIRST_NODES, 2 * ROOM + FIRST_ENTRIES);
    u32 total = 0, count = 1, blank = blank_of(root);
    for (u32 cell = 0; cell < 16; cell++)
      if (cell != blank) total += world.distance[root >> 4 * cell & 15][cell];
    u32 hash = static_cast<u32>(hash_of(root));
    made[0] = {root, NONE, hash, home_of(hash), 0, static_cast<std::int16_t>(total), -1};
    least_key = KEYS - 1;
    insert(made[0]);
    i32 taken[TIES];
    for (;;) {
      if (nodes + ROOM > states.size || taken_chunks + ROOM > below.size) grow();
      count = 0;
      u32 first_key = 0;
      u32 most = static_cast<u32>(std::min<u64>(TIES, 1 + entries / FEW));
      while (count < most && entries > 0) {
        u32 distance = find_best();
        if (count > 0 && least_key != first_key) break;
        i32& head = top[least_key][distance];
        i32 place = head;
        while (place != NONE && count < most) {
          i32 node = chunks[place];
          Record& record = records[node];
          if (!(record.flags & CLOSED) && static_cast<u32>(record.g + distance) == least_key) {
            if (record.flags & GOAL) {
              if (count > 0) break;
              return node;
            }
            record.flags |= CLOSED;
            taken[count++] = node;
            first_key = least_key;
          }
          place = drop(place);
        }
        head = place;
        if (place != NONE) break;
      }
      fetch_next(most);
      if (count == 0) return NONE;
      expansions += count;
      u32 made_count = 0;
      for (u32 number = 0; number < count; number++) {
        i32 node = taken[number];
        u64 board = states[node];
        u32 from = blank_of(board);
        const Record& record = records[node];
        int last = record.action + 1;
        std::int16_t child_g = static_cast<std::int16_t>(record.g + 1), own = record.h;
        for (int which = 0; which < world.count[last][from]; which++) {
          Move move = world.moves[last][from][which];
          u64 tile = board >> 4 * move.cell & 15;
          u64 child = board ^ tile << 4 * move.cell ^ tile << 4 * from;
          u32 hash = static_cast<u32>(hash_of(child));
          __builtin_prefetch(&slots[home_of(hash)]);
          std::int16_t child_h = static_cast<std::int16_t>(own + world.change[tile][move.cell][from]);
          made[made_count++] = {child, node, hash, 0, child_g, child_h, move.action};
        }
      }
      generated += made_count;
      for (u32 number = 0; number < made_count; number++) {
        u32 slot = made[number].slot = likely_slot(made[number].hash);
        if (slots[slot]) {
          u32 known = (slots[slot] & mask) - 1;
          __builtin_prefetch(&states[known]);
          __builtin_prefetch(&records[known]);
        }
      }
      u64 bits = seeded_bits(expansions, seed);
      u32 next = static_cast<u32>((bits >> 32) * made_count >> 32);
      if (bits & 1) {
        for (u32 number = next; number < made_count; number++) insert(made[number]);
        for (u32 number = 0; number < next; number++) insert(made[number]);
      } else {
        for (u32 number = next + 1; number-- > 0;) insert(made[number]);
        for (u32 number = made_count; number-- > next + 1;) insert(made[number]);
      }
    }
  }

  void insert(const Made& child) {
    u32 slot = child.slot;
    while (slots[slot] && (((slots[slot] ^ child.hash) & ~mask) || states[(slots[slot] & mask) - 1] != child.board))
      slot = (slot + 1) & mask;
    i32 node = static_cast<i32>(slots[slot] & mask) - 1;
    if (node == NONE) {
      node = static_cast<i32>(nodes++);
      slots[slot] = entry_of(child.hash, static_cast<u32>(node));
      states[node] = child.board;
      records[node].h = child.h;
      records[node].flags = child.board == BOARD_GOAL ? GOAL : 0;
    } else {
      if (child.g >= records[node].g) return;
      records[node].flags &= static_cast<std::int8_t>(~CLOSED);
    }
    Record& record = records[node];
    record.g = child.g, record.parent = child.parent, record.action = child.action;
    push(static_cast<u32>(child.g + child.h), static_cast<u32>(child.h), node);
  }

  void end() { states.empty(), records.empty(), chunks.empty(), below.empty(), slots.release(); }
};

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

int main(int count, char** arguments) {
  Search* search = new Search;
  for (int argument = 1; argument < count; argument++) {
    std::istringstream words(arguments[argument]);
    u64 root = 0, tile;
    for (int cell = 0; cell < 16 && words >> tile; cell++) root |= tile << 4 * cell;
    bytes_peak = 0;
    double start = cpu_seconds();
    i32 goal = search->run(root, 0);
    int length = goal == NONE ? -1 : search->records[goal].g;
    search->end();
    double seconds = cpu_seconds() - start;
    std::printf(
        "{\"length\": %d, \"expansions\": %llu, \"generated\": %llu, \"nodes\": %u, \"peak_bytes\": %llu, \"cpu_seconds\": %.6f}\n",
        length, static_cast<unsigned long long>(search->expansions),
        static_cast<unsigned long long>(search->generated), search->nodes,
        static_cast<unsigned long long>(bytes_peak + sizeof(Search)), seconds);
    std::fflush(stdout);
  }
  delete search;
}

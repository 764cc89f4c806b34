// Random games of Go from the empty board, on bitboards: the algorithm of envs/go_rollouts.py with the same random numbers, so that
// move for move the same games are played. Simple ko, suicide or not, two passes end, area score, at most 2 x points moves.
//
// Point (row, column) is bit row * stride + column of 64-bit words, stride = size + 1: one word to 7x7, two to 10x10. The number of
// words is known to the compiler, the size is not. Read envs/bitboard.py, go_rules.py and go_rollouts.py for the words used here.
//
// Arguments: "SIZE GAMES SEED POLICY [suicide]" in one argument each, POLICY uniform or no-eyes. Prints one JSON object a line for
// each: moves and finished games in all, the sum of Black's leads and of their squares (komi 0), and CPU seconds.

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using u64 = std::uint64_t;

template <int WORDS>
struct Points {
  u64 word[WORDS];

  friend Points operator|(Points a, const Points& b) {
    for (int i = 0; i < WORDS; i++) a.word[i] |= b.word[i];
    return a;
  }
  friend Points operator&(Points a, const Points& b) {
    for (int i = 0; i < WORDS; i++) a.word[i] &= b.word[i];
    return a;
  }
  friend Points operator-(Points a, const Points& b) {  // without
    for (int i = 0; i < WORDS; i++) a.word[i] &= ~b.word[i];
    return a;
  }
  bool operator==(const Points& b) const {
    u64 differs = 0;
    for (int i = 0; i < WORDS; i++) differs |= word[i] ^ b.word[i];
    return !differs;
  }
  explicit operator bool() const {
    u64 any = 0;
    for (u64 part : word) any |= part;
    return any;
  }
  int count() const {
    int total = 0;
    for (u64 part : word) total += __builtin_popcountll(part);
    return total;
  }
  Points up(int by) const {
    Points moved;
    for (int i = WORDS - 1; i >= 0; i--) moved.word[i] = word[i] << by | (i ? word[i - 1] >> (64 - by) : 0);
    return moved;
  }
  Points down(int by) const {
    Points moved;
    for (int i = 0; i < WORDS; i++) moved.word[i] = word[i] >> by | (i + 1 < WORDS ? word[i + 1] << (64 - by) : 0);
    return moved;
  }
  Points lowest() const {
    Points point{};
    for (int i = 0; i < WORDS; i++)
      if (word[i]) {
        point.word[i] = word[i] & -word[i];
        break;
      }
    return point;
  }
  int place() const {  // the bit of the lowest point of a set that is not empty
    for (int i = 0; i < WORDS - 1; i++)
      if (word[i]) return 64 * i + __builtin_ctzll(word[i]);
    return 64 * (WORDS - 1) + __builtin_ctzll(word[WORDS - 1]);
  }
  Points nth(int number) const {  // the point that has so many below it
    Points point{};
    for (int i = 0; i < WORDS; i++) {
      int here = __builtin_popcountll(word[i]);
      if (number < here) {
#ifdef __BMI2__
        point.word[i] = __builtin_ia32_pdep_di(u64(1) << number, word[i]);
#else
        u64 left = word[i];
        while (number--) left &= left - 1;
        point.word[i] = left & -left;
#endif
        break;
      }
      number -= here;
    }
    return point;
  }
};

struct Random {
  u64 state;

  // One game's generator from three numbers, by splitmix64's mixing.
  Random(u64 seed, u64 row, u64 game) {
    constexpr u64 FIRST = 0x9E3779B97F4A7C15, SECOND = 0xBF58476D1CE4E5B9, THIRD = 0x94D049BB133111EB;
    u64 mixed = (((seed * FIRST) ^ row) * FIRST) ^ game;
    mixed = (mixed ^ (mixed >> 30)) * SECOND;
    mixed = (mixed ^ (mixed >> 27)) * THIRD;
    state = (mixed ^ (mixed >> 31)) | 1;
  }
  int below(int limit) {  // xorshift64*
    int number = static_cast<int>(((state * 0x2545F4914F6CDD1D) >> 32) * static_cast<u64>(limit) >> 32);
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return number;
  }
};

struct Totals {
  long long moves = 0, finished = 0, leads = 0, squares = 0;
};

template <int WORDS>
struct Board {
  using Set = Points<WORDS>;

  int size, stride;
  bool suicide;
  Set all{}, edge{};
  std::int16_t action[64 * WORDS]{};  // of a bit

  Board(int size, bool suicide) : size(size), stride(size + 1), suicide(suicide) {
    for (int row = 0; row < size; row++)
      for (int column = 0; column < size; column++) {
        int bit = row * stride + column;
        action[bit] = static_cast<std::int16_t>(row * size + column);
        all.word[bit / 64] |= u64(1) << bit % 64;
        if (row == 0 || column == 0 || row == size - 1 || column == size - 1) edge.word[bit / 64] |= u64(1) << bit % 64;
      }
  }

  Set neighbours(const Set& points) const { return points.up(1) | points.down(1) | points.up(stride) | points.down(stride); }

  // Is the group of `group`, one or more of `stones`, without a liberty? It grows to all that was followed.
  bool lost(Set& group, const Set& stones, const Set& free) const {
    while (true) {
      Set around = neighbours(group);
      if (around & free) return false;
      Set grown = group | (around & stones);
      if (grown == group) return true;
      group = grown;
    }
  }

  Set captured_by(const Set& point, const Set& enemy, const Set& free) const {
    Set captured{}, doubtful = (neighbours(point) & enemy) - neighbours(free);
    while (doubtful) {
      Set group = doubtful.lowest();
      if (lost(group, enemy, free)) captured = captured | group;
      doubtful = doubtful - group;
    }
    return captured;
  }

  Set lost_by(const Set& point, const Set& own, const Set& free) const {
    Set group = point;
    return !(neighbours(point) & free) && lost(group, own | point, free) ? group : Set{};
  }

  Set eyes(const Set& own, const Set& enemy, const Set& empty) const {
    Set walled = empty - neighbours(all - own), one{}, two{};
    for (int by : {stride - 1, stride + 1})
      for (const Set& moved : {enemy.up(by), enemy.down(by)}) {
        two = two | (one & moved);
        one = one | moved;
      }
    return walled - (two | (one & edge));
  }

  // Those of `points` that a path within `points` joins to a neighbour in `seeds`.
  Set joined(const Set& seeds, const Set& points) const {
    Set reached = neighbours(seeds) & points;
    while (true) {
      Set grown = reached | (neighbours(reached) & points);
      if (grown == reached) return reached;
      reached = grown;
    }
  }

  int area_lead(const Set& own, const Set& enemy) const {
    Set empty = all - (own | enemy), ours = joined(own, empty), theirs = joined(enemy, empty);
    return own.count() + (ours - theirs).count() - enemy.count() - (theirs - ours).count();
  }

  // One game; its actions go into `record`, which has a cell for each.
  void play_out(Random random, bool spare_eyes, std::vector<std::int16_t>& record, Totals& totals) const {
    Set own{}, enemy{}, ko{};
    int length = 0, cap = static_cast<int>(record.size());
    bool passed = false, over = false;
    for (; length < cap && !over; length++) {
      Set empty = all - (own | enemy), choices = empty - ko;
      if (spare_eyes) choices = choices - eyes(own, enemy, empty);
      int left = choices.count();
      while (true) {
        int number = random.below(left + (!spare_eyes || left == 0));
        if (number == left) {
          record[length] = static_cast<std::int16_t>(size * size);
          std::swap(own, enemy);
          ko = Set{};
          over = passed;
          passed = true;
          break;
        }
        Set point = choices.nth(number), free = empty - point, captured = captured_by(point, enemy, free);
        Set gone = captured ? Set{} : lost_by(point, own, free);
        if (!gone || suicide) {
          record[length] = action[point.place()];
          bool alone = !(neighbours(point) & (own | free));
          ko = alone && captured.count() == 1 ? captured : Set{};
          Set after = (own | point) - gone;
          own = enemy - captured;
          enemy = after;
          passed = false;
          break;
        }
        choices = choices - point;
        left--;
      }
    }
    int lead = length % 2 ? -area_lead(own, enemy) : area_lead(own, enemy);
    totals.moves += length;
    totals.finished += over;
    totals.leads += lead;
    totals.squares += static_cast<long long>(lead) * lead;
  }
};

template <int WORDS>
Totals play(int size, int games, u64 seed, bool spare_eyes, bool suicide) {
  Board<WORDS> board(size, suicide);
  std::vector<std::int16_t> record(2 * size * size);
  Totals totals;
  for (int game = 0; game < games; game++) board.play_out(Random(seed, 0, static_cast<u64>(game)), spare_eyes, record, totals);
  return totals;
}

double cpu_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

int main(int count, char** arguments) {
  for (int argument = 1; argument < count; argument++) {
    std::istringstream words(arguments[argument]);
    int size, games;
    u64 seed;
    std::string policy, suicide;
    words >> size >> games >> seed >> policy >> suicide;
    double start = cpu_seconds();
    Totals totals = (size <= 7 ? play<1> : play<2>)(size, games, seed, policy == "no-eyes", suicide == "suicide");  // two words end at 10x10
    std::printf(
        "{\"moves\": %lld, \"finished\": %lld, \"leads\": %lld, \"squares\": %lld, \"cpu_seconds\": %.6f}\n", totals.moves,
        totals.finished, totals.leads, totals.squares, cpu_seconds() - start);
    std::fflush(stdout);
  }
}

// IDA* with Manhattan distance on the 15-puzzle, as a tuned recursion: one function for each place of the blank and last move.
//
// Moves of the blank in the order up, left, right, down, never the inverse of the last one. Every child but that one counts as
// generated, whether it is within the bound or not; the goal is tested when its call is reached, and the search stops there:
// the counts of github.com/eaburns/search. A board is one word, four bits a cell, so nothing is ever undone; a call is told
// its *slack*, bound - (g + h), which a move lessens by 2 or by 0. Source: Korf 1985.
//
// Arguments: instances, 16 numbers in one argument each, the goal 0 1 ... 15. Prints one JSON object a line for each.

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace {

using u64 = std::uint64_t;

constexpr u64 GOAL = 0xFEDCBA9876543210ull;
constexpr int UP = 0, LEFT = 1, RIGHT = 2, DOWN = 3, NONE = 4;

constexpr bool legal(int blank, int move) {
  return move == UP ? blank > 3 : move == LEFT ? blank % 4 > 0 : move == RIGHT ? blank % 4 < 3 : blank < 12;
}

constexpr int after(int blank, int move) { return blank + (move == UP ? -4 : move == LEFT ? -1 : move == RIGHT ? 1 : 4); }

constexpr int distance(int tile, int cell) {
  int rows = tile / 4 - cell / 4, columns = tile % 4 - cell % 4;
  return (rows < 0 ? -rows : rows) + (columns < 0 ? -columns : columns);
}

constexpr bool follows(int blank, int last, int move) { return legal(blank, move) && (last == NONE || move != 3 - last); }

constexpr int children(int blank, int last, int first = UP) {
  int count = 0;
  for (int move = first; move < NONE; move++) count += follows(blank, last, move);
  return count;
}

// [blank][move]: bit t is set when that move takes tile t farther from home.
constexpr std::uint32_t farther(int blank, int move) {
  std::uint32_t tiles = 0;
  for (int tile = 1; tile < 16; tile++)
    if (distance(tile, blank) > distance(tile, after(blank, move))) tiles |= 1u << tile;
  return tiles;
}

u64 generated, expanded;

template <int BLANK, int LAST>
bool search(u64 board, int slack);

template <int BLANK, int LAST, int MOVE>
inline bool child(u64 board, int slack) {
  if constexpr (follows(BLANK, LAST, MOVE)) {
    constexpr int cell = after(BLANK, MOVE);
    constexpr std::uint32_t worse = farther(BLANK, MOVE);
    u64 tile = board >> 4 * cell & 15;
    int left = slack - 2 * static_cast<int>(worse >> tile & 1);
    if (left >= 0 && search<cell, MOVE>(board ^ tile << 4 * cell ^ tile << 4 * BLANK, left)) {
      generated -= children(BLANK, LAST, MOVE + 1);  // their calls are not reached
      return true;
    }
  }
  return false;
}

template <int BLANK, int LAST>
bool search(u64 board, int slack) {
  if constexpr (BLANK == 0)
    if (board == GOAL) return true;
  expanded++;
  generated += children(BLANK, LAST);
  return child<BLANK, LAST, UP>(board, slack) || child<BLANK, LAST, LEFT>(board, slack) || child<BLANK, LAST, RIGHT>(board, slack) ||
         child<BLANK, LAST, DOWN>(board, slack);
}

using Start = bool (*)(u64, int);

template <int... BLANKS>
Start start_of(int blank, std::integer_sequence<int, BLANKS...>) {
  static constexpr Start starts[] = {search<BLANKS, NONE>...};
  return starts[blank];
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
    u64 root = 0;
    int tile, blank = 0, total = 0;
    for (int cell = 0; cell < 16 && words >> tile; cell++) {
      root |= static_cast<u64>(tile) << 4 * cell;
      if (tile)
        total += distance(tile, cell);
      else
        blank = cell;
    }
    generated = expanded = 0;
    double start = cpu_seconds();
    int bound = total;
    while (!start_of(blank, std::make_integer_sequence<int, 16>{})(root, bound - total)) bound += 2;  // by parity
    std::printf(
        "{\"length\": %d, \"expansions\": %llu, \"generated\": %llu, \"cpu_seconds\": %.6f}\n", bound,
        static_cast<unsigned long long>(expanded), static_cast<unsigned long long>(generated), cpu_seconds() - start);
    std::fflush(stdout);
  }
}

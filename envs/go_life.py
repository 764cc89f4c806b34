"""Unconditional life (Benson 1976): stones that cannot be taken even if their owner passes for ever, and points that are his for sure.

A *chain* is joined stones of a colour; a *region* joined points without stones of it. A region is vital to a chain when every empty
point of it is a liberty of the chain. Take all chains; drop those with fewer than two vital regions, then regions that touch a dropped
chain; and so on: the chains that stay are alive. This holds under every ko rule, but only while suicide is forbidden: else the
opponent of one who passes may play on for ever.

A region that stays and all of whose points touch one and the same living chain is its owner's too. The enemy has no eye in it: the owner
may play on any empty point of it, his stone joins the chain, and meanwhile the chain lives by another region. He need not hurry unless
he has just passed, as two passes end a game and one is his. Superko cannot forbid his plays: a position with that stone would have kept
it. The tests hold all this against every position of small boards.
"""

from astarzero.envs.bitboard import common, load, lowest, neighbours, some, union, without
from astarzero.envs.go_rules import STRIDE, lost_group


def safe_points(own, enemy, moves_again, context):
    """The points that the player with stones `own` can be sure of at the end, when suicide is forbidden.

    moves_again: will he move again for sure? Not when he has passed and the enemy is to move, who may end the game with his dead stones on.
    """
    stride, board = context[2][STRIDE], load(context[1], 0, context[0])
    alive, regions = living_chains(own, without(board, own), without(board, union(own, enemy)), stride)
    safe, nothing, chains = alive, without(own, own), alive
    while some(chains):
        chain, _ = lost_group(lowest(chains), own, nothing, stride)
        chains, around, left = without(chains, chain), neighbours(chain, stride), regions
        while some(left):
            region, _ = lost_group(lowest(left), regions, nothing, stride)
            left = without(left, region)
            if not some(without(region, around)) and (moves_again or not some(common(region, enemy))):
                safe = union(safe, region)
    return safe


def living_chains(own, outside, empty, stride):
    """(stones of living chains, points of the regions that stayed); `outside`: points without a stone of `own`."""
    nothing, alive, regions = without(own, own), own, outside
    while True:
        before, left = alive, alive
        while some(left):
            chain, _ = lost_group(lowest(left), own, nothing, stride)
            left = without(left, chain)
            if not has_two_eyes(chain, regions, empty, stride):
                alive = without(alive, chain)
        left = regions
        while some(left):
            region, _ = lost_group(lowest(left), outside, nothing, stride)
            left = without(left, region)
            if some(without(common(neighbours(region, stride), own), alive)):
                regions = without(regions, region)
        if alive == before:
            return alive, regions


def has_two_eyes(chain, regions, empty, stride):
    """Has a chain two vital regions?"""
    around, vital = neighbours(chain, stride), 0
    left, nothing = common(regions, around), without(chain, chain)
    while some(left):
        region, _ = lost_group(lowest(left), regions, nothing, stride)
        left = without(left, region)
        vital += not some(without(common(region, empty), around))
    return vital >= 2

"""Small trees visit by visit beside mctx (DeepMind, JAX) and OpenSpiel's Python MCTS, on the same fixed priors and values.

Their options are set so that both sides mean the same: q as it is (mctx scales it to 0..1 by parent and siblings, we do not where it is
-1..1), the same first-play urgency, no noise of their own. The trees are games by lot (drawn_trees.py), where no rule meets a tie.
"""

import types

import numpy as np
import pytest
from drawn_trees import drawn_tree, game_of, grow, paths, rows, visits

from astarzero.search.forest import Forest, TreeConfig

ROOTS = rows(*range(4, 13))  # of three children, all of depth 2
SIMULATIONS = 60


@pytest.fixture(scope="module")
def mctx():
    return pytest.importorskip("mctx", reason="needs mctx, in the extra peers")


@pytest.fixture(scope="module")
def spiel():
    pytest.importorskip("pyspiel", reason="needs open_spiel, in the extra peers")
    return pytest.importorskip("open_spiel.python.algorithms.mcts")


def embedded(mctx, game):
    """(root, recurrent function) of a drawn tree for mctx: the vertex is the embedding."""
    import jax.numpy as jnp

    answer = game[1].evaluate(game[0].instance_sets["all"]())
    logits, values, heads = jnp.array(answer.prior_logits), jnp.array(answer.value), jnp.array(game[0].context[0].astype(np.int32))

    def follow(params, key, action, vertex):
        child = heads[vertex, action]
        turns = -jnp.ones_like(values[child])
        return mctx.RecurrentFnOutput(reward=0 * turns, discount=turns, prior_logits=logits[child], value=values[child]), child

    vertices = jnp.array(ROOTS[:, 0].astype(np.int32))
    return mctx.RootFnOutput(prior_logits=logits[vertices], value=values[vertices], embedding=vertices), follow


def visits_of(tree, number):
    """As drawn_trees.visits, of a tree of mctx."""
    parents, actions, met = (np.asarray(array[number]).tolist() for array in (tree.parents, tree.action_from_parent, tree.node_visits))
    path = {0: ()}
    for node in range(1, len(parents)):
        if met[node]:
            path[node] = (*path[parents[node]], actions[node])
    return {path[node]: met[node] for node in path}


def test_puct_visit_by_visit_beside_mctx(mctx):
    import jax
    import jax.numpy as jnp

    def q_as_it_is(tree, node):
        return jnp.where(tree.children_visits[node] > 0, tree.qvalues(node), tree.node_values[node])

    domain, judge = drawn_tree()
    heads = domain.context[0].copy()
    heads[6:13, 0] = -1  # mctx masks moves at the root alone
    game = game_of(heads, domain.context[1]), judge
    root, follow = embedded(mctx, game)
    found = mctx.muzero_policy(
        None, jax.random.PRNGKey(0), root, follow, SIMULATIONS, jnp.array(heads[4:13] < 0), qtransform=q_as_it_is, dirichlet_fraction=0.0
    )
    ours = grow(game, ROOTS, SIMULATIONS, c=1.25, c_base=19652)
    for number in range(len(ROOTS)):
        assert visits(ours, number) == visits_of(found.search_tree, number)
    assert ours.value == pytest.approx(np.asarray(found.search_tree.node_values[:, 0]), abs=1e-5)
    assert ours.action_weights == pytest.approx(np.asarray(found.action_weights), abs=1e-6)


def test_gumbel_visit_by_visit_beside_mctx(mctx):
    """Both with the noise that mctx drew; q is scaled over a node's edges on both sides. The move is that of the last two to survive."""
    import jax

    game = drawn_tree(1, depth=4, width=5)
    root, follow = embedded(mctx, game)
    found = mctx.gumbel_muzero_policy(None, jax.random.PRNGKey(1), root, follow, SIMULATIONS, max_num_considered_actions=4)
    ours = Forest(game[0], ROOTS, game[1], TreeConfig("gumbel", considered=4))
    ours.arrays["gumbel"][:] = np.asarray(found.search_tree.extra_data.root_gumbel)
    ours.run(SIMULATIONS)
    for number in range(len(ROOTS)):
        assert visits(ours, number) == visits_of(found.search_tree, number)
    assert ours.value == pytest.approx(np.asarray(found.search_tree.node_values[:, 0]), abs=1e-5)
    assert ours.action_weights.argmax(1).tolist() == found.action.tolist()
    assert ours.improved_policy == pytest.approx(np.asarray(found.action_weights), abs=1e-5)


class Playing:
    """A drawn tree as a game and a state of OpenSpiel, as far as its MCTS in Python asks."""

    def __init__(self, game, vertex, path=()):
        self.game, self.vertex, self.path = game, vertex, path

    def get_type(self):
        import pyspiel

        kinds = pyspiel.GameType
        return types.SimpleNamespace(reward_model=kinds.RewardModel.TERMINAL, dynamics=kinds.Dynamics.SEQUENTIAL)

    def max_utility(self):
        return 1.0

    def clone(self):
        return Playing(self.game, self.vertex, self.path)

    def is_terminal(self):
        return False

    def is_chance_node(self):
        return False

    def current_player(self):
        return len(self.path) % 2

    def apply_action(self, action):
        self.vertex, self.path = int(self.game[0].context[0][self.vertex, action]), (*self.path, action)


class Judge:
    """The judge of a drawn tree for OpenSpiel. Moves stand in the order of our edges, for who was never tried comes first in UCT."""

    def __init__(self, game, forest, tree):
        self.judge = game[1]
        self.order = {path: forest.arrays["edges"]["action"][tree, forest.edges(tree, node)] for path, node in paths(forest, tree).items()}

    def evaluate(self, state):
        value = float(self.judge.evaluate(rows(state.vertex)).value[0])
        return np.array([value, -value] if state.current_player() == 0 else [-value, value])

    def prior(self, state):
        legal = self.order[state.path].tolist()
        chances = np.exp(self.judge.evaluate(rows(state.vertex)).prior_logits[0, legal].astype(float))
        return list(zip(legal, (chances / chances.sum()).tolist(), strict=True))


@pytest.mark.parametrize("rule", ["puct", "uct"])
def test_open_spiel_visit_by_visit(spiel, rule):
    """Moves are illegal here and there. OpenSpiel takes an untried child for 0 and, without `solve`, proves nothing."""
    game = drawn_tree(2, illegal=0.3)
    forest = grow(game, ROOTS, SIMULATIONS, rule=rule, c=1.5, fpu=0.0)
    for number, vertex in enumerate(ROOTS[:, 0].tolist()):
        state, still = Playing(game, vertex), types.SimpleNamespace(shuffle=lambda moves: None)
        bot = spiel.MCTSBot(
            state, 1.5, SIMULATIONS + 1, Judge(game, forest, number), solve=False, random_state=still,
            child_selection_fn=getattr(spiel.SearchNode, f"{rule}_value"),
        )  # fmt: skip
        root = bot.mcts_search(state)
        met, waiting = {}, [((), root)]
        while waiting:
            path, node = waiting.pop()
            met[path] = node.explore_count
            waiting += [((*path, child.action), child) for child in node.children if child.explore_count]
        assert visits(forest, number) == met
        assert forest.value[number] == pytest.approx(root.total_reward / root.explore_count, abs=1e-5)

"""Small trees visit by visit beside mctx (DeepMind, JAX) and OpenSpiel's Python MCTS, on the same fixed priors and values.

Their options are set so that both sides mean the same: q as it is (mctx scales it to 0..1 by parent and siblings, we do not where it is
-1..1), the same first-play urgency, no noise of their own. The trees are games by lot (drawn_trees.py), where no rule meets a tie.
"""

import types

import numpy as np
import pytest
from drawn_trees import DRAW, drawn_tree, grow, rows, visits

from astarzero.search.forest import Forest, TreeConfig
from astarzero.search.tree import NODES

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
    logits, values, width = jnp.array(answer.prior_logits), jnp.array(answer.value), game[0].num_actions

    def follow(params, key, action, vertex):
        child = width * vertex + 1 + action
        turns = -jnp.ones_like(values[child])
        return mctx.RecurrentFnOutput(reward=0 * turns, discount=turns, prior_logits=logits[child], value=values[child]), child

    vertices = jnp.array(ROOTS[:, 0].astype(np.int32))
    return mctx.RootFnOutput(prior_logits=logits[vertices], value=values[vertices], embedding=vertices), follow


def visits_of(tree, number):
    met = np.asarray(tree.node_visits[number])
    return {int(vertex): int(count) for vertex, count in zip(np.asarray(tree.embeddings[number]), met, strict=True) if count}


@pytest.mark.parametrize("fpu", ["parent", 0.0])
def test_puct_visit_by_visit_beside_mctx(mctx, fpu):
    import jax
    import jax.numpy as jnp

    def q_as_it_is(tree, node):
        untried = tree.node_values[node] if fpu == "parent" else fpu
        return jnp.where(tree.children_visits[node] > 0, tree.qvalues(node), untried)

    domain, judge = drawn_tree()
    legal = domain.context[3].copy()
    legal[6:13, 0] = False  # mctx masks moves at the root alone
    game = domain.with_(context=(*domain.context[:3], legal)), judge
    root, follow = embedded(mctx, game)
    found = mctx.muzero_policy(
        None, jax.random.PRNGKey(0), root, follow, SIMULATIONS, jnp.array(~legal[4:13]), qtransform=q_as_it_is, dirichlet_fraction=0.0
    )
    ours = grow(game, ROOTS, SIMULATIONS, c=1.25, c_base=19652, fpu=fpu)
    for number in range(len(ROOTS)):
        assert visits(ours, number) == visits_of(found.search_tree, number)
    assert ours.value == pytest.approx(np.asarray(found.search_tree.node_values[:, 0]), abs=1e-5)
    assert ours.action_weights == pytest.approx(np.asarray(found.action_weights), abs=1e-6)


@pytest.mark.parametrize(("considered", "scale"), [(16, 1.0), (2, 1.0), (3, 0.0)])
def test_gumbel_visit_by_visit_beside_mctx(mctx, considered, scale):
    """Both with the noise that mctx drew; q is scaled over a node's edges on both sides. The move is that of the last two to survive."""
    import jax

    game = drawn_tree(1, depth=8, width=5)
    root, follow = embedded(mctx, game)
    found = mctx.gumbel_muzero_policy(
        None, jax.random.PRNGKey(1), root, follow, SIMULATIONS, max_num_considered_actions=considered, gumbel_scale=scale
    )
    ours = Forest(game[0], ROOTS, game[1], TreeConfig("gumbel", considered=considered))
    ours.arrays["gumbel"][:] = np.asarray(found.search_tree.extra_data.root_gumbel)
    ours.run(SIMULATIONS)
    for number in range(len(ROOTS)):
        assert visits(ours, number) == visits_of(found.search_tree, number)
    assert ours.value == pytest.approx(np.asarray(found.search_tree.node_values[:, 0]), abs=1e-5)
    assert ours.action_weights.argmax(1).tolist() == found.action.tolist()
    assert ours.improved_policy == pytest.approx(np.asarray(found.action_weights), abs=1e-5)


class Playing:
    """A drawn tree as a game and a state of OpenSpiel, as far as its MCTS in Python asks; and the judge of both sides."""

    def __init__(self, game, vertex, player=0):
        self.game, self.vertex, self.player = game, vertex, player

    def get_type(self):
        import pyspiel

        kinds = pyspiel.GameType
        return types.SimpleNamespace(reward_model=kinds.RewardModel.TERMINAL, dynamics=kinds.Dynamics.SEQUENTIAL)

    def max_utility(self):
        return 1.0

    def clone(self):
        return Playing(self.game, self.vertex, self.player)

    def is_terminal(self):
        return bool(self.game[0].context[2][self.vertex])

    def is_chance_node(self):
        return False

    def current_player(self):
        return self.player

    def apply_action(self, action):
        self.vertex, self.player = self.game[0].num_actions * self.vertex + 1 + action, 1 - self.player

    def returns(self):
        return signed(self, float(DRAW - self.game[0].context[2][self.vertex]))


def signed(state, value):
    """[2]: what `value` for the player to move is worth to both."""
    return np.array([value, -value] if state.player == 0 else [-value, value])


class Judge:
    """The evaluator of a drawn tree for OpenSpiel. Moves stand in the order of our edges, for who was never tried comes first in UCT."""

    def __init__(self, game, forest, tree):
        self.game, self.order = game, {}
        arrays = forest.arrays
        for node in range(arrays["counts"][tree, NODES]):
            self.order[int(arrays["states"][tree, node, 0])] = arrays["edges"]["action"][tree, forest.edges(tree, node)].tolist()

    def evaluate(self, state):
        return signed(state, float(self.game[1].evaluate(rows(state.vertex)).value[0]))

    def prior(self, state):
        logits = self.game[1].evaluate(rows(state.vertex)).prior_logits[0].astype(float)
        legal = self.order[state.vertex]
        chances = np.exp(logits[legal] - logits[legal].max())
        return list(zip(legal, (chances / chances.sum()).tolist(), strict=True))


@pytest.mark.parametrize("rule", ["puct", "uct"])
def test_open_spiel_visit_by_visit(spiel, rule):
    """With moves that are illegal anywhere. OpenSpiel takes an untried child for 0 and, without `solve`, proves nothing."""
    game = drawn_tree(2, illegal=0.3)
    forest = grow(game, ROOTS, SIMULATIONS, rule=rule, c=1.5, fpu=0.0)
    choose = getattr(spiel.SearchNode, f"{rule}_value")
    for number, vertex in enumerate(ROOTS[:, 0].tolist()):
        state, still = Playing(game, vertex), types.SimpleNamespace(shuffle=lambda moves: None)
        judge = Judge(game, forest, number)
        bot = spiel.MCTSBot(state, 1.5, SIMULATIONS + 1, judge, solve=False, random_state=still, child_selection_fn=choose)
        root, met, waiting = bot.mcts_search(state), {}, []
        waiting.append((root, vertex))
        while waiting:
            node, place = waiting.pop()
            met[place] = node.explore_count
            waiting += [(child, 3 * place + 1 + child.action) for child in node.children if child.explore_count]
        assert visits(forest, number) == met
        mean = root.total_reward / root.explore_count  # the root's reward is its player's
        assert forest.value[number] == pytest.approx(mean, abs=1e-5)

"""A user would lose: names that are true. Every test knows the truth; no E-step is shown it."""

import dataclasses

import pytest
import torch
from toy import ANCHORS, RATE, config, of_one_label, windows
from toy import data as data_of_all

from vqtext.model.grounding.durations import Tempo
from vqtext.model.grounding.e_step import ChainConfig, EStepConfig, e_step
from vqtext.model.grounding.emissions import EmissionConfig, from_descriptions, pooled
from vqtext.model.vocabulary import Grammar, Transcript, Use, Vocabulary

MODES = ("label+signal", "order+signal", "label+text", "order+text", "order+signal+text")


def data(**how):
    """With the evidence of the training windows alone, as an E-step has it."""
    whole = data_of_all(**how)
    return dataclasses.replace(whole, evidence=whole.evidence.of(whole.train.numpy()))


def posterior(toy_data, mode="order+signal", config=None):
    return e_step(toy_data.evidence, toy_data.grammar, frozenset(mode.split("+")), config)


def truth():
    """The true anchor of each sample of the training windows; a frame is a sample here."""
    _, label, use = windows(24)
    return torch.from_numpy(use + 2 * label[:, None])[:20]


def accuracy(toy_data, mode="order+signal"):
    return float((posterior(toy_data, mode).anchors() == truth()).float().mean())


def with_evidence(toy_data, **changes):
    return dataclasses.replace(toy_data, evidence=dataclasses.replace(toy_data.evidence, **changes))


@pytest.mark.parametrize("mode", ["label+signal", "order+signal"])
def test_signatures_find_what_happens_when(mode):
    assert accuracy(data(), mode) > 0.95


@pytest.mark.parametrize("mode", ["label+text", "order+text"])
def test_what_was_said_of_a_segment_names_it(mode):
    """Descriptions alone, near the right anchor: no signature is read."""
    near = torch.nn.functional.one_hot(truth()[:, ::10], 4) + 0.1 * torch.rand(20, 8, 4)
    described = with_evidence(data(levels=(float("nan"), float("nan"))), similarity=near)
    assert accuracy(described, mode) > 0.75  # segments are half a use long, and borders fall where they like
    shifted = with_evidence(data(), similarity=near.roll(1, -1))
    assert accuracy(shifted, mode) < accuracy(described, mode) - 0.3


def test_a_round_too_short_to_hold_its_steps_does_not_say_how_long_they_last(monkeypatch):
    """Else each frame had to be another step, and names of a fast activity were a blur."""
    turning = torch.arange(80).repeat(20, 1)[..., None] * 2 * torch.pi
    known_s = []
    monkeypatch.setattr(
        Tempo, "step_s", lambda tempo, _, label, known: known_s.append(known) or known.nan_to_num(0.3)
    )
    for period, frame_s in ((20, 0.05), (3, 0.2)):
        posterior(with_evidence(data(), features=(turning / period).sin(), frame_s=frame_s))
    slow, fast = known_s
    assert torch.allclose(slow, torch.tensor(0.5), atol=0.06)
    assert fast.isnan().all()


def test_an_anchor_that_is_near_everything_gains_nothing_by_it():
    near = torch.rand(20, 8, 4)
    usual = with_evidence(data(), similarity=near)
    popular = with_evidence(data(), similarity=near + torch.tensor([0.0, 0.0, 0.0, 5.0]))
    anchor = data().grammar.anchor
    a, b = (from_descriptions(d.evidence, anchor, EmissionConfig()) for d in (usual, popular))
    assert torch.allclose(a - a.mean((0, 1)), b - b.mean((0, 1)), atol=0.2)


def test_swapped_words_swap_the_names():
    assert accuracy(data(levels=(1.0, -1.0))) < 0.05


def test_words_that_say_nothing_name_nothing():
    found = posterior(data(levels=(float("nan"), float("nan"))))
    assert not found.known.any() and (found.anchors() == -1).all()


def test_it_is_known_of_which_labels_nothing_tells_the_steps_apart():
    assert posterior(data()).identified.tolist() == [True, True]
    for same in ((float("nan"), float("nan")), (1.0, 1.0), (1.0, float("nan"))):
        assert posterior(data(levels=same)).identified.tolist() == [False, False]
    assert posterior(data(), "order").identified.tolist() == [False, False], "what is written was not asked"
    nobody = with_evidence(data(), motion=torch.full_like(data().evidence.motion, torch.nan))
    assert posterior(nobody).identified.tolist() == [False, False], "no sensor is there"


def test_what_a_step_feels_like_is_known_from_other_labels_too():
    whole = data()
    silent = whole.evidence.levels.clone()
    silent[whole.evidence.label == 1] = torch.nan
    assert posterior(with_evidence(whole, levels=silent)).identified.tolist() == [True, False]
    shared = dataclasses.replace(whole.grammar, anchor=torch.tensor([[0, 1], [1, 3]]))
    shared = dataclasses.replace(with_evidence(whole, levels=silent), grammar=shared)
    assert posterior(shared).identified.tolist() == [True, True]


def test_motion_is_judged_within_the_person_not_in_units():
    """A person who moves ten times as strongly, or a sensor in other units, gets the same names."""
    evidence = data().evidence
    louder = evidence.motion + torch.where(torch.arange(20)[:, None, None] < 10, 2.3, 0.0)
    people = (torch.arange(20) >= 10).long()
    assert accuracy(with_evidence(data(), motion=louder, features=louder, group=people)) > 0.95


def test_missing_evidence_does_not_spread():
    energy = data().evidence.motion.clone()
    energy[:, 10:20] = torch.nan
    assert accuracy(with_evidence(data(), motion=energy, features=energy)) > 0.85


def test_it_is_a_function_of_its_arguments():
    """Asked twice it says the same, and what it was asked about is as it was: it can be kept and printed."""
    toy = data()
    before = {name: x.clone() for name, x in vars(toy.evidence).items() if isinstance(x, torch.Tensor)}
    one, other = posterior(toy), posterior(toy)
    assert torch.equal(one.states, other.states) and torch.equal(one.chain.stay, other.chain.stay)
    for name, x in before.items():
        assert torch.equal(x.nan_to_num(9), getattr(toy.evidence, name).nan_to_num(9)), name
    few = posterior(toy, config=EStepConfig(chain=ChainConfig(substates=1)))
    assert few.chain.row == 1 < one.chain.row, "constants are handed down"


def test_evidence_of_the_training_windows_is_no_copy():
    """Lost: as much memory as all that was measured, which decides how many windows can be trained on."""
    whole = data_of_all()
    first = whole.evidence.of(whole.train.numpy())
    assert len(first.label) < len(whole.evidence.label)
    assert first.features.data_ptr() == whole.evidence.features.data_ptr()


def test_durations_are_those_that_were_found():
    chain = posterior(data()).chain
    assert (chain.substates / (1 - chain.stay) - 10).abs().max() < 1.5, "frames of a step of the toy world"


def test_names_of_each_frame_are_chances_of_the_labels_own_anchors():
    found = posterior(data()).states.float()
    assert torch.allclose(found.sum(-1), torch.ones(20, config().frames), atol=2e-3)
    label = data().evidence.label
    assert (found[label == 0][..., 2:] == 0).all() and (found[label == 1][..., :2] == 0).all()


def test_where_a_window_holds_a_border_each_frame_shows_a_step_of_its_own_label():
    """Else a turn would be taught as the walking around it, and the steps could not decide for it."""
    toy = data()
    energy, named = toy.evidence.motion.clone(), truth().clone()
    flipped = energy.flip(0)  # 20 windows, the labels in turn
    features = torch.cat([energy, toy.evidence.label[:, None, None].expand_as(energy) * 3.0], 2)
    other_label = (1 - toy.evidence.label)[:, None, None].expand_as(energy) * 3.0
    features[:, 60:] = torch.cat([flipped, other_label], 2)[:, 60:]
    energy[:, 60:], named[:, 60:] = flipped[:, 60:], named.flip(0)[:, 60:]
    activity = toy.evidence.label[:, None].repeat(1, 80)
    activity[:, 60:] = 1 - activity[:, 60:]
    cut = with_evidence(toy, motion=energy, features=features, activity=activity)
    found = posterior(cut).anchors()
    assert (found // 2 == activity).all()
    assert (found == named).float().mean() > 0.9


def test_one_wrong_cell_is_outvoted_by_other_labels_that_have_the_same_anchor():
    anchor, valid = torch.tensor([[0, 1], [0, 2], [0, 0]]), torch.tensor([[1, 1], [1, 1], [1, 0]]).bool()
    written = torch.tensor([[[-1.0], [1.0]], [[1.0], [float("nan")]], [[1.0], [-1.0]]])
    level = pooled(written, anchor, valid, EmissionConfig())
    assert level[0, 0] > -0.1, "two readings weigh more than one"
    assert level[0, 1] == 1.0 and level[1, 1].isnan(), "what nobody else writes stays as it is"
    assert level[2, 1] == -1.0, "padding is nobody's word"


def test_axes_tell_apart_what_moves_alike_and_people_of_the_other_hand_are_read_by_theirs():
    """Motion is faint; an axis goes up in one use and down in the other, mirrored for left-handed people."""
    toy = data()
    hand = torch.arange(20) // 10
    way = torch.where(truth() % 2 == 1, 1.0, -1.0) * torch.where(hand == 1, -1.0, 1.0)[:, None]
    faint = toy.evidence.motion * 0.5 + torch.randn(20, 80, 1, generator=torch.Generator().manual_seed(0))
    noisy = with_evidence(toy, motion=faint, features=faint)
    axes = torch.cat([faint, way[..., None] + 0.3 * torch.randn(20, 80, 1)], -1)
    levels = toy.evidence.levels * torch.where(hand == 1, 0.999, 1.0)[:, None, None]
    by_hand = with_evidence(toy, motion=faint, features=axes, hand=hand, levels=levels)
    assert accuracy(by_hand) > accuracy(noisy) + 0.1
    assert accuracy(by_hand) > accuracy(with_evidence(by_hand, hand=torch.zeros(20, dtype=torch.long))) + 0.05


def test_words_that_tell_up_from_down_name_what_moves_alike():
    """No level is written; a velocity goes up in one use and down in the other, and gaps say nothing."""
    unknown = torch.full((20, 2, 1), torch.nan)
    way = torch.where(truth() % 2 == 1, 1.0, -1.0)[..., None]
    heading = way + 0.5 * torch.randn(20, 80, 1, generator=torch.Generator().manual_seed(0))
    heading[:, 30:34] = torch.nan
    directions = torch.tensor([[-1.0], [1.0]]).expand(20, 2, 1)
    moving = with_evidence(data(), levels=unknown, velocity=heading, features=heading)
    directed = with_evidence(moving, directions=directions)
    assert accuracy(directed) > 0.9
    assert accuracy(with_evidence(directed, directions=-directions)) < 0.1, "swapped words swap the names"
    silent = posterior(with_evidence(directed, directions=torch.full_like(directions, torch.nan)))
    assert not silent.known.any(), "a direction that nobody wrote is no evidence"


@pytest.mark.parametrize("mode", MODES)
def test_one_step_and_more_steps_than_frames_are_walked_too(mode):
    """The first label has a single step; the second has more than its windows have frames."""
    toy = data()
    uses = tuple(Use(2 + i % 2) for i in range(100))
    spoken = Vocabulary(ANCHORS, (Transcript("a", True, (Use(0),)), Transcript("b", False, uses)))
    grammar = Grammar.of(spoken.transcripts, RATE)
    levels = torch.full((20, 100, 1), torch.nan)
    levels[toy.evidence.label == 1] = torch.tensor([-1.0, 1.0]).repeat(50)[:, None]
    near = torch.rand(20, 8, 4)
    ways = torch.zeros(20, 100, 0)
    evidence = dataclasses.replace(
        toy.evidence,
        levels=levels,
        directions=ways,
        written_up=torch.zeros(*ways.shape[:2], 0, 3),
        relative_duration=torch.ones(2, 100),
        similarity=near,
    )
    found = e_step(evidence, grammar, frozenset(mode.split("+")))
    share = found.states[found.known].float()
    assert share.isfinite().all() and torch.allclose(share.sum(-1), torch.ones(len(share), 80), atol=0.01)
    assert (found.states[(evidence.label == 0) & found.known][..., 0] > 0.99).all()
    assert found.known[evidence.label == 1].all()


def test_words_that_say_what_is_brief_place_the_border_between_two_steps_that_feel_alike():
    """A step of 5 frames and one of 15 feel the same; nothing else tells where one ends."""
    truth = (torch.arange(80) + torch.arange(0, 40, 2)[:, None]) % 40
    truth = torch.bucketize(truth, torch.tensor([20, 25]), right=True)  # rest, then brief, then usual
    level = torch.tensor([[-1.0], [1.0], [1.0]])
    energy = level[truth] + 0.2 * torch.randn(20, 80, 1, generator=torch.Generator().manual_seed(0))

    def right(lasts):
        toy = of_one_label("lift", level, energy, torch.tensor(lasts))
        return float((posterior(toy).anchors() == truth).float().mean())

    assert right([1.0, 0.5, 1.0]) > max(right([1.0, 1.0, 1.0]), right([1.0, 2.0, 1.0])) + 0.03


def test_two_arms_that_move_at_once_and_in_no_fixed_order_are_named():
    """What limbs do at once is one step with a level for each; steps may be skipped and come back, so that
    two arms which go on independently of each other need no common order."""
    level = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])  # left alone, right alone, …
    generator = torch.Generator().manual_seed(0)
    moving = torch.rand(20, 8, 2, generator=generator).gt(0.5)  # each arm by itself
    truth = torch.full((20, 8), -1)
    for use, arms in enumerate(level > 0):
        truth[(moving == arms).all(-1)] = use
    truth = truth.repeat_interleave(10, 1)
    energy = level[truth] + 0.4 * torch.randn(20, 80, 2, generator=generator)
    named = posterior(of_one_label("both arms", level, energy, torch.ones(4))).anchors()
    assert (named == truth).float().mean() > 0.85

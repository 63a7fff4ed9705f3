"""A user would lose: a reason that never contradicts its class."""

import itertools

import torch
from toy import config, data, vocabulary, windows

from vqtext.model.decoding import Decoder


def names_of(count=8):
    """What a network that knows the truth would say of each frame."""
    _, label, truth = windows(count)
    anchor = torch.from_numpy(truth + 2 * label[:, None])
    return (
        torch.nn.functional.one_hot(anchor, 4) * 0.9 + 0.025,
        torch.from_numpy(label),
        torch.from_numpy(truth),
    )


def decoder():
    names, label, _ = names_of(12)
    made = Decoder(config(), vocabulary())
    keep = torch.ones(names.shape[:2], dtype=torch.bool)
    made.fit(names, label, keep)
    made.calibrate(names, label, keep)
    return made


def test_class_and_path_are_those_of_the_names():
    names, label, truth = names_of()
    keep = torch.ones(names.shape[:2], dtype=torch.bool)
    decoded = decoder()(names, keep)
    assert torch.equal(decoded.log_posterior.argmax(1), label)
    assert torch.allclose(decoded.log_posterior.exp().sum(1), torch.ones(len(names)))
    assert (decoded.path == truth).float().mean() > 0.97


def test_a_reason_holds_only_steps_of_its_own_class_and_covers_the_window():
    names, label, _ = names_of()
    keep = torch.ones(names.shape[:2], dtype=torch.bool)
    made = decoder()
    decoded = made(names, keep)
    for row in range(len(names)):
        reason = made.reason(decoded, row, frames=config().frames)
        own = {"shaking": {"hand rests", "hand shakes"}, "whirling": {"arm waits", "arm whirls"}}[
            reason.label
        ]
        assert reason.label == config().labels[label[row]]
        assert {step.name for step in reason.steps} <= own
        assert reason.steps[0].start_s == 0 and reason.steps[-1].end_s == config().window_s
        assert all(a.end_s == b.start_s and a.name != b.name for a, b in itertools.pairwise(reason.steps))


def test_a_short_window_is_explained_to_its_end_and_no_further():
    names, _, _ = names_of()
    keep = torch.ones(names.shape[:2], dtype=torch.bool)
    keep[0, 40:] = False
    made = decoder()
    assert made.reason(made(names, keep), 0, frames=40).steps[-1].end_s == 2.0


def test_durations_are_learned_from_training_windows():
    names, label, _ = names_of(12)
    made = Decoder(config(), vocabulary())
    before = made.transition[0, 0, 0].item()
    made.fit(names, label, torch.ones(names.shape[:2], dtype=torch.bool))
    assert made.transition[0, 0, 0] > before  # steps last half a second here, the first guess is shorter
    assert torch.allclose(made.prior.sum(), torch.tensor(1.0), atol=1e-2)


def test_toy_data_is_what_the_tests_think_it_is():
    assert data().frame_keep.shape[1] == config().frames == 80

"""A user would lose: borders between steps, which show in how a token differs from the ones beside it."""

import torch
import toy
from torch import nn

from vqtext.model.network.token_mixer import NEIGHBOURS, MixerLayer


class Alone(nn.Module):
    """In place of attention, so that what a token has from elsewhere came from its neighbours."""

    def forward(self, x, src_key_padding_mask):
        return x


def reach(channels, token):
    """The tokens that hear of a change in this one; a series of the toy world has 16."""
    config = toy.config(channels=channels)
    torch.manual_seed(0)
    reading = MixerLayer(config)
    reading.transformer = Alone()
    x = torch.randn(1, config.window_tokens, config.settings.dim)
    keep = torch.ones(1, config.window_tokens, dtype=torch.bool)
    other = x.clone()
    other[:, token] += 1
    return (reading(x, keep) != reading(other, keep)).any(-1)[0].nonzero().flatten().tolist()


def test_a_token_is_read_with_those_beside_it_in_time():
    assert reach("joint", 8) == list(range(8 - NEIGHBOURS // 2, 8 + NEIGHBOURS // 2 + 1))


def test_the_last_token_of_one_channel_is_no_neighbour_of_the_first_of_the_next():
    assert reach("independent", 15) == [13, 14, 15]
    assert reach("independent", 16) == [16, 17, 18]


def test_a_token_outside_its_window_is_no_neighbour():
    config = toy.config()
    reading = MixerLayer(config)
    reading.transformer = Alone()
    x = torch.randn(1, config.window_tokens, config.settings.dim)
    keep = torch.arange(config.window_tokens)[None] < 10
    other = x.clone()
    other[:, 10:] += 1
    assert torch.equal(reading(x, keep)[keep], reading(other, keep)[keep])

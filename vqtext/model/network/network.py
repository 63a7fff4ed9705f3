"""The text-guided VQShape network, whole.

- joint: one token spans all channels, a code is a whole-body motif; independent: each channel is a series,
  and its tokens are those of VQShape
- tokens ``(z, mu, sigma, t, l)`` with a sixth attribute, ``action``: which anchors the token shows, in order
- a code has two faces, a shape and a short sequence of action vectors; what a token is called is a function
  of (code, t, l, mu, sigma) alone
- text reaches patches or tokens by cross-attention in training; at test time there is none
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.config import ModelConfig
from vqtext.model.guidance.fusion import Fused
from vqtext.model.network.encoder import Normaliser
from vqtext.model.network.independent import Independent
from vqtext.model.network.joint import Joint
from vqtext.model.network.token_mixer import TokenMixer
from vqtext.model.network.token_to_frame import anchors_of
from vqtext.model.network.tokens import TokenAttributes, Tokenised
from vqtext.model.vqshape.losses import Losses

TINY = 1e-30
TOKEN_ATTRIBUTES = [field.name for field in fields(TokenAttributes)]
SHARPNESS = 12.0  # cosines of anchors lie close together: logits = SHARPNESS · cosine at the start


@dataclass(frozen=True)
class NetworkOutput(TokenAttributes):
    """Outputs of the network for B windows. M tokens a window, S sub-steps a token, K anchors.

    Attributes:
        states: log chances of the V states, of an anchor and what comes before and after, ``(B, M·S, V)``.
        names: logits over the anchors, ``(B, M·S, K)``.
        own_names: the same from the codes' own action vectors alone.
        pooled: mean and maximum over the tokens of a window as the reader gives them, ``(B, 2·dim)``.
        classes: logits of the class head, ``(B, n)``.
        text: the window in text space, a unit vector, ``(B, d)``.
    """

    states: Tensor
    names: Tensor
    own_names: Tensor
    pooled: Tensor
    classes: Tensor
    text: Tensor


@dataclass(frozen=True)
class TrainingOutput(NetworkOutput):
    """Outputs of the network, with what only losses and drawings need.

    Attributes:
        signal, rebuilt, seen: the input in standard units, its copy, where it was seen, ``(B, C, T)``.
        stitched: the drawn pieces alone, put back together, ``(B, C, T)``.
        commitment: codebook loss, a scalar.
        original: the losses of VQShape, each with its weight, where channels are independent; otherwise None.
        fused: where text met signal, None where there was no text.
    """

    signal: Tensor
    rebuilt: Tensor
    seen: Tensor
    stitched: Tensor
    commitment: Tensor
    original: Losses | None
    fused: Fused | None


class Network(nn.Module):
    """See the head of this file.

    Args:
        config: sizes.
        anchors: unit vectors of the K anchors, ``(K, d)``; fixed.
        of_state: anchor of each state (`vqtext.model.vocabulary.Grammar`), ``(V,)``.
    """

    anchors: Tensor
    basis: Tensor
    of_state: Tensor

    def __init__(self, config: ModelConfig, anchors: Tensor, of_state: Tensor) -> None:
        super().__init__()
        self.config = config
        s = config.settings
        self.normalise = Normaliser(len(config.channels))
        basis = span(anchors)
        trunk = Joint if config.joint else Independent
        self.trunk: Joint | Independent = trunk(config, len(basis))
        self.reader = TokenMixer(config, len(basis))
        self.correct = nn.Linear(s.dim, config.substeps * len(basis))
        self.context = nn.Linear(s.dim, config.substeps * len(of_state))
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())
        self.class_head = nn.Sequential(nn.Dropout(s.dropout), nn.Linear(2 * s.dim, len(config.labels)))
        self.text_head = nn.Linear(2 * s.dim, config.text_dim)
        self.register_buffer("anchors", anchors)
        self.register_buffer("of_state", of_state, persistent=False)
        self.register_buffer("basis", basis)

    def forward(
        self, signal: Tensor, text: Tensor | None = None, text_mask: Tensor | None = None
    ) -> TrainingOutput:
        """Windows ``(B, C, T)`` in physical units, NaN where nothing was measured → `TrainingOutput`.

        Text tokens ``(B, L, token_dim)`` and their mask ``(B, L)`` are for training; a row whose mask is all
        False is a window without text.
        """
        signal, seen = self.normalise(signal)
        a = self.trunk(signal, seen, text, text_mask)
        read = self.reader(a.features, a.action, a.keep)
        drawn = a.draw(read)
        return TrainingOutput(
            **self._outputs(a, read),
            signal=signal,
            rebuilt=drawn.rebuilt,
            seen=seen,
            stitched=drawn.stitched,
            commitment=a.commitment,
            original=a.original,
            fused=a.fused,
        )

    def read(self, signal: Tensor) -> NetworkOutput:
        """Outputs for windows ``(B, C, T)`` by the signal alone; nothing is drawn, which takes a quarter of
        the time."""
        a = self.trunk(*self.normalise(signal), None, None)
        return NetworkOutput(**self._outputs(a, self.reader(a.features, a.action, a.keep)))

    def _outputs(self, a: Tokenised, read: Tensor) -> dict[str, Tensor]:
        """The attributes of a `NetworkOutput`."""
        own = a.action  # (B, M, S, r)
        names = self._logits(own + self.correct(read).unflatten(-1, own.shape[-2:])).flatten(1, 2)
        pooled = self._pool(read, a.keep)
        return {
            **{name: getattr(a, name) for name in TOKEN_ATTRIBUTES},
            "states": self._states(names, self.context(read).unflatten(-1, (own.shape[2], -1))),
            "names": names,
            "own_names": self._logits(own).flatten(1, 2),
            "pooled": pooled,
            "classes": self.class_head(pooled),
            "text": F.normalize(self.text_head(pooled), dim=-1),
        }

    def signal_only(self) -> Network:
        """The network without what text alone uses: the part that is saved, and used at test time."""
        if self.trunk.fusion is None:
            return self
        alone = Network(ModelConfig.from_dict(self.config.to_dict()), self.anchors, self.of_state)
        weights = self.state_dict()
        alone.load_state_dict({name: weights[name] for name in alone.state_dict()})
        return alone.to(self.anchors.device)

    def _logits(self, action: Tensor) -> Tensor:
        return self.sharpness.exp() * F.normalize(action, dim=-1) @ (self.anchors @ self.basis.T).T

    def _states(self, names: Tensor, context: Tensor) -> Tensor:
        """Log chances of states: of their anchor, by the logits ``names (B, M·S, K)``, times that of their
        context among all of that anchor, by ``context (B, M, S, V)``."""
        onto = F.one_hot(self.of_state, names.shape[-1]).to(context.dtype)  # (V, K)
        several = onto.sum(0)[self.of_state] > 1  # of an anchor in one context nothing is to be learned
        context = torch.where(several, context.flatten(1, 2), 0.0)
        context = context - context.detach().amax(-1, keepdim=True)
        of_anchor = (context.exp() @ onto).clamp(min=TINY).log()
        return (names.log_softmax(-1) - of_anchor)[..., self.of_state] + context

    def _pool(self, h: Tensor, keep: Tensor) -> Tensor:
        keep = keep[..., None]
        mean = (h * keep).sum(1) / keep.sum(1).clamp(min=1)
        most = h.masked_fill(~keep, -1e4).amax(1)
        return torch.cat([mean, most], -1)

    def names_of(self, states: Tensor) -> Tensor:
        """Probabilities of states ``(..., V)`` → of the anchors, ``(..., K)``."""
        return anchors_of(states, self.of_state, len(self.anchors))

    def code_names(self) -> Tensor:
        """Anchor probabilities of each code's own action vectors, ``(codes, S, K)``."""
        return self._logits(self.trunk.action).softmax(-1)

    def code_shapes(self) -> Tensor:
        """Each code drawn, ``(codes, c, SHAPE_STEPS)``."""
        return self.trunk.code_shapes()


def span(anchors: Tensor) -> Tensor:
    """Orthonormal directions of text space that tell anchors apart, and one that is far from all, ``(r, d)``.

    A name is a cosine between an action vector and the anchors ``(K, d)``. Of the vector's part beyond the
    anchors' span only the length counts, which one direction holds: K + 1 numbers say all that d could.
    """
    return torch.linalg.qr(anchors.T, mode="complete").Q[:, : len(anchors) + 1].T.contiguous()

"""One typed tree of settings: what ``vqtext.toml``, ``VQTEXT_…`` and the command line may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vqtext.settings.presets import PRESETS
from vqtext.settings.types import Fraction, Id, Language, Listed, PhraseList


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


def _section(settings: object, section: str) -> dict[str, object]:
    """The values given for one section, out of plain data or a model."""
    found = settings.get(section, {}) if isinstance(settings, dict) else {}
    if isinstance(found, BaseModel):
        return found.model_dump(exclude_unset=True)
    return found if isinstance(found, dict) else {}


class DataSettings(_Section):
    """Which recordings, and how they are cut into windows."""

    name: str = Field(default="basic_motions", description="data set, such as basic_motions or csv")
    path: Path | None = Field(default=None, description="folder of its recordings")
    rate_hz: float | None = Field(
        default=None, gt=0, description="resample to this rate in Hz; none keeps the data's own"
    )
    window_s: float | None = Field(
        default=None, gt=0, description="window length in seconds; none takes the reader's own"
    )
    stride_s: float | None = Field(
        default=None, gt=0, description="seconds between windows; none takes window_s, or the reader's own"
    )
    borders: Literal["drop", "keep"] | None = Field(
        default=None, description="windows that cross a label change; none takes the reader's default"
    )
    bridge_s: float = Field(
        default=0.2, ge=0, description="longest loss of samples in seconds that straight lines bridge"
    )


class WordsSettings(_Section):
    """Where sub-actions come from."""

    provider: Literal["builtin", "openai"] = Field(
        default="builtin", description="who writes the sub-actions: the lexicon, or a language model"
    )
    language: Language = Field(
        default="en", min_length=2, description="language people read the words in, such as en or ko"
    )
    drafts: int = Field(default=1, ge=1, le=9, description="times a model is asked for each label")
    harmonise: bool = Field(default=True, description="one more request, for the same words across labels")
    least: int = Field(default=1, ge=1, description="fewest sub-actions of a label that a model may give")
    most: int = Field(default=12, ge=1, description="most sub-actions of a label that a model may give")


class LLMSettings(_Section):
    """The language model, behind any server that speaks OpenAI's protocol. Its key is no setting: it is only
    ever read from the variable OPENAI_API_KEY."""

    base_url: str | None = Field(
        default=None,
        description="server, such as http://localhost:8000/v1; none takes OPENAI_BASE_URL, else OpenAI's own",
    )
    model: str | None = Field(default=None, description="name of the model, as its server calls it")
    concurrency: int = Field(default=8, ge=1, le=256, description="requests under way at once")
    timeout_s: float = Field(
        default=120.0,
        gt=0,
        description="seconds to wait for a reply of 500 tokens; longer ones get more in proportion",
    )
    retries: int = Field(default=2, ge=0, description="times a failed request is sent again")
    max_tokens: int | None = Field(
        default=None, ge=1, description="most tokens of a reply; none leaves it to the server"
    )


class DescribeSettings(_Section):
    """Signal to text."""

    source: Literal["template", "llm"] = Field(default="template", description="how facts become sentences")
    segments: int = Field(default=5, ge=1, le=32, description="equal stretches a window is described in")
    limit: int | None = Field(
        default=None, ge=1, description="windows a model describes, spread over all; others get a template"
    )


class EmbedSettings(_Section):
    """The text encoder."""

    encoder: str = Field(default="auto", description="auto, clip, minilm, or a model name or folder")
    batch_size: int = Field(default=64, ge=1, description="most texts in one forward pass")
    half: bool = Field(default=False, description="bfloat16 on the CPU: less exact; faster where it has it")
    tokens: int = Field(default=48, ge=4, le=77, description="text tokens kept for each text")


class DedupSettings(_Section):
    """Merging near-duplicate phrases into anchors."""

    threshold: float = Field(default=0.85, gt=0, le=1, description="least cosine of phrases that may merge")
    target: int | None = Field(
        default=None, ge=1, description="number of anchors to aim at; sets the threshold"
    )
    calibrate: bool = Field(
        default=False, description="let the phrases' own paraphrases and opposites set the threshold"
    )
    keep: PhraseList = Field(
        default=[], description="phrase that stays an anchor: others may merge into it, it into none"
    )
    drop: PhraseList = Field(default=[], description="phrase to leave out, with every use of it")
    merge: PhraseList = Field(
        default=[], description='"a=b": phrase a becomes part of anchor b, whatever cosine and vetoes say'
    )
    contrast: float = Field(default=1.0, ge=0, description="how far a phrase is pushed from its opposite")


class ModelSettings(_Section):
    """The size and shape of the model."""

    channels: Literal["joint", "independent"] = Field(
        default="joint", description="one token spans all channels, or each channel is a series of VQShape"
    )
    dim: int = Field(default=64, ge=16, description="width of the transformer")
    dim_code: int = Field(default=16, ge=2, description="width of a code")
    codes: int = Field(default=64, ge=2, description="size of the codebook")
    patches: int = Field(default=50, ge=1, description="patches a window is cut into")
    tokens: int | None = Field(
        default=None,
        ge=1,
        description="tokens of a window (of a channel, if independent); none takes one every 0.08 s, of 4 "
        "samples at least",
    )
    substeps: int | None = Field(
        default=None, ge=1, description="names a token emits, one after the other; none takes one a frame"
    )
    layers: int = Field(default=2, ge=1, description="layers of the transformer")
    heads: int = Field(default=4, ge=1, description="attention heads")
    dropout: Fraction = Field(default=0.1, description="share of activations dropped in training")
    mask: Fraction = Field(
        default=0.25, lt=1, description="share of the patches hidden in training, if channels are independent"
    )
    init: Path | None = Field(
        default=None,
        description="folder of `vqtext import-vqshape` that training starts from, if channels are "
        "independent; sizes left at their defaults are then its own",
    )

    @model_validator(mode="after")
    def _heads_that_share_the_width(self) -> ModelSettings:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of {self.heads} heads")
        return self


class GuidanceSettings(_Section):
    """Text in training. At test time there is none."""

    source: Literal["label", "description", "both", "none"] = Field(
        default="label",
        description="whose words guide the training: the labels', descriptions of the windows, which take "
        "minutes to make, both, or none",
    )
    facts: bool = Field(default=True, description="guide by facts of the subject, too")
    fusion: Literal["signal", "bidirectional", "text-contrast"] = Field(
        default="signal",
        description="cross-attention: the signal attends to the text; both attend, classify and are aligned; "
        "both attend, and the text is aligned alone",
    )
    place: Literal["patches", "tokens"] = Field(
        default="patches", description="where they meet: before the tokenizer, or on its tokens"
    )
    drop: Fraction = Field(
        default=0.5, description="share of training windows that see no text, as none does at test time"
    )
    drop_tokens: Fraction = Field(default=0.1, description="share of single text tokens that are left out")
    drop_facts: Fraction = Field(
        default=0.3, description="share of guided windows without the facts of the subject"
    )


class TrainSettings(_Section):
    """How a model is trained."""

    run: str = Field(
        default="default",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="name of the run: letters, digits, dots, dashes and underscores",
    )
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 32)]], Listed] = Field(
        default=[0], min_length=1, description="one model for each, such as 0,1,2"
    )
    test_subjects: Annotated[list[Id], Field(min_length=1), Listed] | None = Field(
        default=None, description="subjects kept out of training, such as 7,8"
    )
    folds: Annotated[int, Field(ge=2)] | Literal["loso"] | None = Field(
        default=None,
        description="cross-validation: so many folds over subjects, or loso, which leaves one subject out at "
        "a time; a model for each fold and seed",
    )
    split: Literal["own", "random", "time"] | None = Field(
        default=None,
        description="the data set's own split, a random one, or one in time, for one person's recordings; "
        "none takes its own where it has one and no test subjects or folds are named",
    )
    validation: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="share of the training subjects or windows on which confidence and the class head are "
        "calibrated, before they train too",
    )
    refit: bool = Field(
        default=True,
        description="train on the validation windows too, once three fifths of the epochs let them choose",
    )
    grounding: Literal[
        "nearest",
        "label",
        "order",
        "label+signal",
        "order+signal",
        "label+text",
        "order+text",
        "order+signal+text",
    ] = Field(default="order+signal", description="what decides which step each moment shows")
    resolve: bool = Field(
        default=True,
        description="join steps that neither sensors nor rate nor order tell apart into one, named by all",
    )
    e_step_windows: int = Field(
        default=8000, ge=1, description="most windows that the E-step reads, evenly over labels and people"
    )
    keep_absent: bool = Field(
        default=False,
        description="keep steps that were not found in the training windows",
    )
    epochs: int | None = Field(
        default=None,
        ge=1,
        description="epochs of training; none takes as many as make train.steps; with train.refit, "
        "validation windows choose after three fifths of them",
    )
    steps: int = Field(
        default=600,
        ge=30,
        description="steps that the number of epochs aims at; 600 are never fewer than 20 epochs and never "
        "more than 300, others in proportion",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="early stopping: validations without a better score; none trains all epochs",
    )
    batch_size: int = Field(default=16, ge=1, description="windows in one batch, over all devices")
    accumulate: int = Field(default=1, ge=1, description="batches in one step of the optimiser")
    learning_rate: float = Field(default=2e-3, gt=0, description="learning rate at its highest")
    augment: bool = Field(default=True, description="vary the windows: shift, gain and noise")
    overfit: int | None = Field(
        default=None, ge=1, description="a check: batches to train on alone, which a sound model memorises"
    )
    preset: Literal["tiny", "small", "paper"] | None = Field(
        default=None, description="sizes that go together; what is set by itself comes first"
    )
    workers: int = Field(
        default=0, ge=0, description="processes that read windows ahead; 0 reads in this one"
    )
    accelerator: str = Field(default="auto", description="auto, cpu, gpu or another of Lightning's")
    devices: int = Field(default=1, ge=1, description="devices that share each batch, a process each")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        default="32-true", description="floating-point precision"
    )
    logger: Annotated[list[Literal["csv", "tensorboard", "wandb", "mlflow"]], Listed] = Field(
        default=["csv", "tensorboard"],
        min_length=1,
        description="where the numbers of a training go, such as csv,wandb; metrics.csv is always written",
    )
    logger_online: bool = Field(
        default=False,
        description="let wandb and mlflow send them to their servers, as WANDB_BASE_URL and "
        "MLFLOW_TRACKING_URI say; else they write into the run's folder",
    )
    compile: bool = Field(
        default=False, description="compile the network first: minutes of waiting, then faster steps on a GPU"
    )

    @property
    def sources(self) -> frozenset[str]:
        """What grounding reads: order, signal, text."""
        return frozenset(self.grounding.split("+"))

    @model_validator(mode="after")
    def _equal_shares(self) -> TrainSettings:
        if self.batch_size % self.devices:
            raise ValueError(
                f"a batch_size of {self.batch_size} cannot be shared by {self.devices} devices: take "
                f"{-(-self.batch_size // self.devices) * self.devices}"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_split(self) -> TrainSettings:
        given = [name for name in ("test_subjects", "folds", "split") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} each say whom to test on: keep one")
        return self


class ExplainSettings(_Section):
    """What is explained."""

    samples: int = Field(default=8, ge=1, description="test windows in the report, one of each label in turn")
    code_confidence: Fraction = Field(
        default=0.3, description="confidence below which a code's name is unknown instead of a guess"
    )


class EvaluateSettings(_Section):
    """What a run is held against."""

    truth: Path | None = Field(
        default=None,
        description="file that says which phrases stand for which truth word; none takes the data set's own",
    )
    controls: bool = Field(
        default=False, description="train again with words destroyed, and show what becomes of the scores"
    )
    robustness: bool = Field(
        default=False,
        description="score noisy, incomplete, slower and turned test windows too, beside MiniRocket",
    )


class Settings(_Section):
    """Everything that can be set."""

    cache: Path = Field(default=Path("cache"), description="folder of the artifacts")
    executor: Literal["serial", "processes", "ray"] | None = Field(
        default=None, description="where stages compute; none takes processes once the work is long enough"
    )
    workers: int | None = Field(default=None, ge=1, description="workers; none takes all cores")
    data: DataSettings = DataSettings()
    words: WordsSettings = WordsSettings()
    llm: LLMSettings = LLMSettings()
    describe: DescribeSettings = DescribeSettings()
    embed: EmbedSettings = EmbedSettings()
    dedup: DedupSettings = DedupSettings()
    model: ModelSettings = ModelSettings()
    guidance: GuidanceSettings = GuidanceSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    explain: ExplainSettings = ExplainSettings()

    @property
    def reads_descriptions(self) -> bool:
        """Whether training reads descriptions of windows: as guidance, or to decide names."""
        return self.guidance.source in ("description", "both") or "text" in self.train.sources

    @property
    def run_folder(self) -> Path:
        """Where the run lies."""
        return self.cache / "runs" / self.train.run

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, given: object) -> object:
        """The values of the preset, where nothing else was given."""
        train = _section(given, "train")
        sections = PRESETS.get(str(train.get("preset")), {})
        if not isinstance(given, dict) or not sections:
            return given
        filled = {name: {**values, **_section(given, name)} for name, values in sections.items()}
        wrong = [name for name in filled if not isinstance(given.get(name, {}), dict | BaseModel)]
        return {**given, **{name: values for name, values in filled.items() if name not in wrong}}

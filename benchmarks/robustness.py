"""What noise, lost places and samples, a lower rate and turned sensors cost, beside MiniRocket.

    [VQTEXT_DATA=FOLDER] python benchmarks/robustness.py [--data planted,gait] [--seeds 0]
                                                         [--test-subjects 10,3,5,8] [--cache FOLDER]

Trained once on the recordings as they are; the test windows alone are corrupted. FOLDER holds ``gait/``. The
planted world is the identifiable one. ``--cache`` keeps what was trained.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from stages import MODEL, WORDS, stages

from vqtext.pipeline.evaluation.robustness.scores import robust_lines
from vqtext.pipeline.evaluation.tables import with_spread
from vqtext.settings.schema import DataSettings, EvaluateSettings, Settings, TrainSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="planted")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--test-subjects", default="10,3,5,8")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    train = TrainSettings(
        seeds=[int(seed) for seed in args.seeds.split(",")], test_subjects=args.test_subjects.split(",")
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in args.data.split(","):
            home = (args.cache or Path(folder)) / name
            home.mkdir(parents=True, exist_ok=True)
            path = home / "world.toml" if name == "planted" else Path(os.environ["VQTEXT_DATA"]) / name
            if name == "planted":
                path.write_text('world = "identifiable"\nseed = 0\n', encoding="utf-8")
            settings = Settings(
                cache=home / "cache",
                data=DataSettings(name=name, path=path),
                train=train,
                evaluate=EvaluateSettings(robustness=True),
            )
            stages(settings, WORDS)
            scores = stages(settings, MODEL)
            print(f"\n# {name}, test subjects {args.test_subjects}, {len(train.seeds)} seed(s)")
            for line in robust_lines(scores["robustness"], with_spread):
                print(line, flush=True)
            (home / "robustness.json").write_text(json.dumps(scores["robustness"], indent=1))


if __name__ == "__main__":
    main()

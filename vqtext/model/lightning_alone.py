"""Lightning, imported without the text models that come along with it.

Lightning imports torchmetrics, whose text metrics import transformers wherever it is installed: seconds of
waiting, and a training that breaks where transformers does. While Lightning is imported, its check for
transformers says no.
"""

from lightning_utilities.core.imports import RequirementCache

_found = RequirementCache.__bool__


def _found_but_no_text(requirement: RequirementCache) -> bool:
    return "transformers" not in str(requirement.requirement) and _found(requirement)


RequirementCache.__bool__ = _found_but_no_text  # type: ignore[assignment, method-assign]
try:
    import lightning
finally:
    RequirementCache.__bool__ = _found  # type: ignore[method-assign]

__all__ = ["lightning"]

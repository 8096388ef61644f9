"""Read a run folder or a recording as cases for predictors."""

from pathlib import Path

from isim.errors import PredictorError
from isim.evaluation.cases import Cases
from isim.evaluation.recording_cases import recording_cases
from isim.evaluation.run_cases import Prepare, run_cases
from isim.policies.predictors.predictor import Predictor
from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile
from isim.run import Run


def load_cases(path: Path, profile_path: str | None, sharing: str | None) -> tuple[Cases, Prepare]:
    """Return the batches of a run folder or a co-location recording, and what prepares a predictor for them.

    Parameters
    ----------
    profile_path
        The profile of a recording's members; where that of a run lies, if not where the run says.
    sharing
        The mode of a recording to take.

    Raises
    ------
    IsimError
        The folder, file or profile cannot be used.
    """
    if path.is_dir():
        if sharing is not None:
            raise PredictorError(f"{path}: a run has one sharing mode (found --sharing {sharing}); leave it out")
        return run_cases(Run.read(path), profile_path)
    profile = None if profile_path is None else Profile.read(profile_path)
    return recording_cases(Recording.read(path), profile, sharing, str(path)), _prepared


def _prepared(predictor: Predictor) -> None:
    """A recording says nothing of kernels."""

"""The exceptions of this package.

FactoryError
  ConfigError    a configuration file is wrong; the message names file and key
  PublishError   the files for the workers could not be put in place
  TarballError   an HTCondor tarball could not be made or unpacked
  PoolError      a personal HTCondor pool could not be started or asked
  CollectorError a collector could not be asked or told
  ProtocolError  what a Frontend or a Factory said cannot be read, or must not be believed
  ScheddError    a schedd could not be asked or told
    SubmitFailed     nothing was queued, for certain
    SubmitUncertain  the answer was lost: it may have been queued
  SubmissionError  something cannot be said to a batch system
  JournalError   the journal of submissions cannot be written, or is another process's
"""


class FactoryError(Exception):
    """What the command line shows as one line and exit code 1."""


class ConfigError(FactoryError):
    """A configuration file is wrong; the message names file and key."""


class PublishError(FactoryError):
    """The files for the workers could not be put in place."""


class TarballError(FactoryError):
    """An HTCondor tarball could not be made or unpacked."""


class PoolError(FactoryError):
    """A personal HTCondor pool could not be started or asked."""


class CollectorError(FactoryError):
    """A collector could not be asked or told; the message names its address."""


class ProtocolError(FactoryError):
    """What a Frontend or a Factory said cannot be read, or must not be believed."""


class ScheddError(FactoryError):
    """A schedd could not be asked or told; the message names it."""


class SubmitFailed(ScheddError):
    """Nothing was queued, for certain."""


class SubmitUncertain(ScheddError):
    """The schedd's answer was lost: the jobs may be in the queue, all of them or none."""


class SubmissionError(FactoryError):
    """A value cannot be said to a batch system; the message names where it belongs."""


class JournalError(FactoryError):
    """The journal of submissions cannot be written, or another process writes it."""


def words(error: Exception) -> str:
    """Return what a person reads of an error: of one of the system what it was about, and why."""
    if isinstance(error, OSError) and error.strerror:
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{error.strerror}"
    return str(error) or type(error).__name__

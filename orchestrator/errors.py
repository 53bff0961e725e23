"""The exceptions of this package.

FactoryError
  ConfigError    a configuration file is wrong; the message names file and key
  PublishError   the files for the workers could not be put in place
  TarballError   an HTCondor tarball could not be made or unpacked
  PoolError      a personal HTCondor pool could not be started or asked
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

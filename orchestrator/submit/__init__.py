"""What HTCondor is told of a glidein: a submit description for each family of grid types.

:mod:`orchestrator.submit.description` puts it together. All of it is pure: no file is read.
"""

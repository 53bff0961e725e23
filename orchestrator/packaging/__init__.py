"""What puts a factory on a host: systemd units, users, folders, and a Containerfile.

::

    glidein-factory.service       the daemons              sysusers.conf   two ordinary users
    glidein-factory-web.service   an nginx for the stage   tmpfiles.conf   folders, their modes
    logrotate.conf                the nginx's access log   Containerfile   both in containers

:mod:`orchestrator.packaging.host_files` fills in where the command is, and writes them.
"""

"""Coming from GlideinWMS: its XML and its downtimes become this factory's files.

::

    conversion.py  all of it, in order
    inputs.py      which file is what
    xml_file.py    a file as elements that know their line; refuses what could be an attack
    merged.py      several files on top of each other, as the reference puts them
    reference.py   what the reference knows, and what it takes for granted
    imported.py    an entry on its way
    entry_sets.py  an entry_set as entries of their own
    expansion.py   values that name other attributes
    entries.py     what an entry of the XML is here
    factory.py     what all the rest is here: reading.py with security.py, retention.py
    values.py      numbers, truth values and texts of the XML; attributes and files
    submit_attributes.py  commands of submit files
    unread.py      tells what nobody read of the XML
    templates.py   what entries share, said once
    toml_text.py   tables as TOML
    written.py     the folder of the result
    report.py      what has no counterpart, and where it stood
    downtimes.py   the reference's downtimes and those of OSG topology
"""

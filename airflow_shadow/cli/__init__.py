"""The command line: thin commands that call the hook, the forecast, the judge and the steps.

===================  ==============================================================================
module               purpose
===================  ==============================================================================
``__main__``         the console script: from arguments to an exit code
``commands``         each command with its arguments; imports what a command needs when it runs
``arguments``        what an argument is, and those that commands share
``provider``         the same commands for `airflow shadow`
``surroundings``     where connections are looked for, and that Airflow makes no files for it
``logs``             what is logged becomes progress and warnings on standard error
``output``           tables, JSON and YAML
``failures``         errors in four lines, in the words of a terminal
``access``           hook, specification and answers of a person, from the arguments
``task``             runs the steps of an operator without a Dag
``experiments``      `list` and `describe`
``watching``         `watch`
``endpoints``        `check` and `forecast`
``files``            `validate` and `skeleton`
``verdicts``         `analyze`
``conclusion``       `promote` and `remove`
``local``            `emulator`
``conformance``      `conformance`
===================  ==============================================================================
"""

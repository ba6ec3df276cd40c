"""Ask a real account whether AWS does what the emulator assumes, on an endpoint of its own.

===================  ==============================================================================
module               purpose
===================  ==============================================================================
``checks``           what a check, its outcome and a stage of checks are
``stages``           all stages, the cheap ones first
``refused``          checks that need no endpoint
``own_endpoint``     the endpoint, and creations that it refuses
``scheduled``        an experiment that has not begun
``running``          one that runs, is changed and stopped
``promoted``         one that began in the past and is promoted
``unusual``          what endpoints and experiments do to each other
``not_checked``      the beliefs without a check, each with its reason
``account``          calls AWS, knows whose things are, and changes only what the run has made
``lab``              the run's endpoint and experiments
``journal``          the file that names what a run makes, written before each creation
``clean_up``         deletes what the journal names
``interrupts``       Ctrl-C and its like: once to end with a clean-up, twice to give that up
``program``          a run from its first question to its clean-up
``record``           what is kept of a run, without account, ARNs and names
===================  ==============================================================================

The beliefs are those of `emulator/assumed.py`, named by their keys. What is expected is written
here again, not read from there: a test holds the two against each other.
"""

# Every target installs what it needs: Python 3.11 and make are enough.
PYTHON ?= python3
UV = .venv/bin/uv
UV_VERSION = 0.13.9
# Else each process of Airflow compiles it anew where nobody may write beside its files.
export UV_COMPILE_BYTECODE = 1
# Empty, so that each process of pytest need not compile all tests anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo airflow pictures test test-all test-2.11 test-3.0 test-3.1 test-spark e2e e2e-faults lives e2e-celery e2e-celery-lost e2e-load lint docs walk bench bench-answers bench-waits clean

demo: .venv/.installed
	.venv/bin/python -m demo

# The example Dags in Airflow's own pages, until Ctrl-C.
airflow: .venv/.installed
	.venv/bin/python -m demo.airflow

# The pictures of the docs, from a real run; needs Debian's chromium.
pictures: .venv/.installed
	$(UV) pip install --quiet --python .venv/bin/python -c constraints.txt --group pictures
	.venv/bin/python -m demo.pictures

# One more than there are cores, for some tests wait; who has no more to do takes another's.
SIDE_BY_SIDE = -n 3 --dist worksteal

# Each operator, sensor, fault and way of giving arguments, every test in one mode.
test: .venv/.installed
	.venv/bin/python -m pytest $(SIDE_BY_SIDE) -m "not thorough"

# All of it, and Dags in an Airflow of their own.
test-all: .venv/.installed .venv-awscli/.installed
	.venv/bin/python -m pytest $(SIDE_BY_SIDE)

# The tests on the oldest Airflow and amazon provider that are supported; what is left out is about
# our own code alone, and boto3 and moto are pinned to the same versions.
SAME_ANYWHERE = $(addprefix --ignore=tests/,analysis answers emulator report request_model text test_odd_values.py)

test-2.11: .venv-2.11/.installed .venv-awscli/.installed
	.venv-2.11/bin/python -m pytest $(SIDE_BY_SIDE) $(SAME_ANYWHERE)

# What differs between Airflow's versions: templates, both modes, sensors, and a Dag in each.
MOVED = tests/test_compat.py tests/test_forms.py tests/test_templates.py tests/sensors/test_sensor.py \
	$(addprefix tests/operators/test_,branch.py create.py)

test-3.0 test-3.1: test-%: .venv-%/.installed
	.venv-$*/bin/python -m pytest $(SIDE_BY_SIDE) $(MOVED)

# Both engines on the same files, and what a cluster needs of this package: no Airflow.
test-spark: .venv-spark/.installed
	.venv-spark/bin/python -m pytest --confcutdir=tests/spark -p no:cacheprovider tests/spark

# Scenarios in a real Airflow on PostgreSQL, beside the emulator: tests/e2e.
E2E = .venv/bin/python -m tests.e2e.stack
SCENARIOS = .venv/bin/python -m pytest --confcutdir=tests/e2e -p no:cacheprovider --durations=10 -v
RUNS ?= 10

e2e: .venv/.e2e-installed
	$(E2E) $(SCENARIOS) -n 6 tests/e2e/test_*.py

# What goes wrong in the worst places; it kills and pauses, so one scenario after another.
e2e-faults: .venv/.e2e-installed
	$(SCENARIOS) tests/e2e/faults

# Whole lives under random trouble, in both modes; LIFE=17 replays one.
lives: .venv/.installed
	LIVES=$(or $(LIVES),20) .venv/bin/python -m pytest $(SIDE_BY_SIDE) tests/lives

# First one of two workers and one of two triggerers killed, then the same scenarios on two of each.
e2e-celery: .venv/.e2e-installed e2e-celery-lost
	$(E2E) --executor CeleryExecutor $(SCENARIOS) -n 6 tests/e2e/test_*.py

e2e-celery-lost: .venv/.e2e-installed
	$(SCENARIOS) tests/e2e/celery

# The scenarios RUNS times in a row, beside busy loops on twice the cores.
e2e-load: .venv/.e2e-installed
	.venv/bin/python -m tests.e2e.under_load $(RUNS) $(MAKE) e2e

lint: .venv/.installed
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy --strict

# The site, in build/site; a warning is an error.
docs: .venv-docs/.installed
	.venv-docs/bin/zensical build --clean --strict

# README and quickstart, command by command in empty folders, with what each took.
walk: .venv/.installed
	.venv/bin/python -m pytest -s tests/test_walk.py

bench: .venv/.installed
	.venv/bin/python benchmarks/import_cost.py
	.venv/bin/python benchmarks/analysis_speed.py
	.venv/bin/python benchmarks/analysis_judge.py --runs 400
	.venv/bin/python benchmarks/analysis_forecast.py
	.venv/bin/python benchmarks/analysis_answers.py --runs 40

# Two million captured requests, 2 GB in the temporary folder, beside pandas.
bench-answers: .venv/.installed
	.venv/bin/python benchmarks/answers.py $(ANSWERS)

# Many waits beside the amazon provider's pattern, whose aiobotocore wants a botocore of its own.
bench-waits: .venv-waits/.installed
	.venv-waits/bin/python benchmarks/waits.py $(WAITS)

clean:
	rm -rf .venv .venv-2.11 .venv-3.0 .venv-3.1 .venv-awscli .venv-docs .venv-spark .venv-waits

$(UV):
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.installed: constraints.txt pyproject.toml | $(UV)
	$(UV) pip install --quiet --python .venv/bin/python -c constraints.txt -e '.[emulator,answers]' --group test --group oracles --group lint
	touch $@

.venv-2.11/.installed: constraints-2.11.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-2.11
	$(UV) pip install --quiet --python .venv-2.11/bin/python -c constraints-2.11.txt -e '.[emulator,answers]' --group test --group oracles
	touch $@

.venv-3.%/.installed: constraints-3.%.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-3.$*
	$(UV) pip install --quiet --python .venv-3.$*/bin/python -c constraints-3.$*.txt -e '.[emulator]' --group test
	touch $@

# Spark and this package without its dependencies, and Java from Debian.
.venv-spark/.installed: constraints.txt pyproject.toml tests/spark/java.sh | $(UV)
	bash tests/spark/java.sh
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-spark
	$(UV) pip install --quiet --python .venv-spark/bin/python -c constraints.txt --group spark
	$(UV) pip install --quiet --python .venv-spark/bin/python --no-deps -e .
	touch $@

# What a real Airflow needs besides: PostgreSQL and Redis from Debian, and their clients.
.venv/.e2e-installed: .venv/.installed tests/e2e/services.sh
	bash tests/e2e/services.sh
	$(UV) pip install --quiet --python .venv/bin/python -c constraints.txt --group e2e
	touch $@

# The aws command line pins libraries of its own, so it lives apart.
.venv-waits/.installed: constraints.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-waits
	grep -v -E '^(boto3|botocore|s3transfer)==' constraints.txt > .venv-waits/constraints.txt
	$(UV) pip install --quiet --python .venv-waits/bin/python -c .venv-waits/constraints.txt -e . --group waits
	touch $@

.venv-docs/.installed: constraints-docs.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-docs
	$(UV) pip install --quiet --python .venv-docs/bin/python -c constraints-docs.txt --group docs
	touch $@

.venv-awscli/.installed: constraints-awscli.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-awscli
	$(UV) pip install --quiet --python .venv-awscli/bin/python -r constraints-awscli.txt
	touch $@

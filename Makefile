# Every target installs what it needs: Python 3.11 and make are enough.
PYTHON ?= python3
UV = .venv/bin/uv
UV_VERSION = 0.13.9

.PHONY: demo airflow test test-2.11 lint bench clean

demo: .venv/.installed
	.venv/bin/python -m demo

# The example Dags in Airflow's own pages, until Ctrl-C.
airflow: .venv/.installed
	.venv/bin/python -m demo.airflow

test: .venv/.installed .venv-awscli/.installed
	.venv/bin/python -m pytest -n 2

# The same tests on the oldest Airflow and amazon provider that are supported.
test-2.11: .venv-2.11/.installed .venv-awscli/.installed
	.venv-2.11/bin/python -m pytest -n 2

lint: .venv/.installed
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy --strict

bench: .venv/.installed
	.venv/bin/python benchmarks/import_cost.py

clean:
	rm -rf .venv .venv-2.11 .venv-awscli

$(UV):
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.installed: constraints.txt pyproject.toml | $(UV)
	$(UV) pip install --quiet --python .venv/bin/python -c constraints.txt -e '.[emulator]' --group test --group lint
	touch $@

.venv-2.11/.installed: constraints-2.11.txt pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-2.11
	$(UV) pip install --quiet --python .venv-2.11/bin/python -c constraints-2.11.txt -e '.[emulator]' --group test
	touch $@

# The aws command line pins libraries of its own, so it lives apart.
.venv-awscli/.installed: constraints-awscli.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-awscli
	$(UV) pip install --quiet --python .venv-awscli/bin/python -r constraints-awscli.txt
	touch $@

# Liandong 联动. The two that matter: `make demo` and `make test`; each sets up everything it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready

.PHONY: help setup parts demo dist dist-deb dist-wheels dist-test badline bench-city bench-ui test journey coverage seed soak planted torture check format docs glossary lock clean

help: ## 这一页 / this page
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## 建立虚拟环境 / make the virtual environment

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "需要 Python 3.11 以上 / Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 以上 / Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "缺少 ensurepip，请先运行 / ensurepip is missing, run first: apt-get install -y python3-venv"; exit 1; }
	@echo "正在建立虚拟环境… / setting up the virtual environment…"
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes -r requirements.lock 2> >(grep -v '^WARNING: Location' >&2)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

parts: ## 测试要用的系统部件 / system parts that the tests use
	@deploy/system-parts

demo: setup ## 整个市在本机跑一遍 / the whole city on this machine (KEEP=1 leaves it running)
	@deploy/system-parts font || echo "没有中文字体，文书不能打印；其余照常 / without the font no document can be printed; all else works"
	@$(PY) -m deploy.demo $(if $(KEEP),--keep) $(DEMO)

dist: setup ## 不需要网络的安装包 / what is installed without internet: Debian package, folders of wheels (COMMIT=HEAD)
	@$(PY) -m deploy.package --commit $(or $(COMMIT),HEAD)

dist-deb: setup ## 只做 Debian 包 / the Debian package alone (ARCHITECTURE=arm64)
	@$(PY) -m deploy.package deb --commit $(or $(COMMIT),HEAD) $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

dist-wheels: setup ## 只做离线安装文件夹 / the folders of wheels alone, Linux and Windows
	@$(PY) -m deploy.package wheels --commit $(or $(COMMIT),HEAD)

dist-test: setup ## 真装、真升级、真卸载（需要 root）/ install, upgrade, remove for real, without a network (needs root on a Debian)
	@$(PY) -m pytest -n 0 -s tests/packaging/real_install.py

badline: setup ## 坏线路上的一天（需要 root）/ a village's day on a bad line (needs root): make badline BADLINE="--mode cut"
	@$(PY) -m bench.badline $(BADLINE)

bench-city: setup parts ## 五年 25 万件的市级库，页面多快 / a city of 251,567 cases on SQLite and PostgreSQL: how long pages take (CASES=50000 INTO=.bench-city)
	@$(PY) -m bench.city load --url sqlite:///$(abspath $(or $(INTO),.bench-city))/sqlite/node.db --server $(or $(INTO),.bench-city)/server --cases $(or $(CASES),251567)
	@$(PY) -m bench.city measure --url sqlite:///$(abspath $(or $(INTO),.bench-city))/sqlite/node.db --server $(or $(INTO),.bench-city)/server

bench-ui: setup ## 村级终端：打开、按键、内存、断电 / the village terminal: start, keys, memory, kill -9 (UI="--cases 100000 --kills 1000")
	@$(PY) -m bench.ui $(UI)

test: setup parts ## 全部测试 / every test
	@$(PY) -m pytest $(TESTS)

journey: setup parts ## 真实运行的一座城：每种差异都做出来，在对账单上找到并处理 / a running city: every difference made, found on the sheet, mended
	@$(PY) -m pytest -n 0 -m "journey or not journey" tests/journeys

# The unit tests, what only a real database server can show of the engine and the migrations, and enrolment by real sticks.
COUNTED := tests/unit tests/vectors tests/scenarios/test_postgres.py tests/scenarios/test_enrol_stick.py \
	tests/scenarios/test_enrol_stick_hostile.py
# Tests that reach no branch of the list in pyproject.toml which another does not reach in a fraction of the time.
UNCOUNTED := --ignore-glob='tests/unit/test_village_*' --ignore=tests/unit/test_city_publishing.py \
	--ignore=tests/unit/test_demo_judge.py --ignore=tests/unit/test_torture_judge.py \
	--deselect=tests/unit/test_reconcile.py::test_one_difference_among_a_quarter_million_takes_three_round_trips_and_four_kilobytes \
	--deselect=tests/unit/test_merge.py::test_any_order_with_repeats_and_gaps_gives_the_case_that_the_set_gives

coverage: setup ## 分支覆盖 / fails if a branch of core, or of a rule of sync without effects, is reached by no test of its own
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest --hypothesis-seed=1 $(COUNTED) $(UNCOUNTED)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report

seed: setup ## 模拟器走一个种子 / live through one seed: make seed N=7 TRACE=1
	@$(PY) -m tests.simulator seed $(or $(N),1) $(if $(TRACE),--trace)

soak: setup ## 模拟器长跑 / many seeds with every fault: make soak MINUTES=30 (or SEEDS=1000)
	@$(PY) -m tests.simulator soak $(if $(SEEDS),--seeds $(SEEDS),--minutes $(or $(MINUTES),10)) --first $(or $(FIRST),1000)

planted: setup ## 埋下的错误都要被抓住 / every planted bug must be caught
	@$(PY) -m tests.simulator planted

torture: setup ## 真实进程受折磨 / real processes, killed, cut, filled: make torture MINUTES=5 SEED=1 ONLY=kills,line
	@$(PY) -m tests.torture --minutes $(or $(MINUTES),5) --seed $(or $(SEED),1) $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json)

check: setup ## 风格、类型、分层 / style, types, layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@# What Windows lacks is an unknown attribute there.
	@$(VENV)/bin/mypy --platform win32 -p core -p sync -p village_agent
	@PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache
	@deploy/long-files

format: setup ## 排版 / format the code
	@$(VENV)/bin/ruff check --fix --quiet .
	@$(VENV)/bin/ruff format --quiet .

docs: setup ## 由表生成的文档 / documents generated from tables
	@$(PY) -m core.glossary > docs/glossary.md
	@$(PY) -m core.workflow_diagram docs

lock: ## 重新锁定依赖 / pin the dependencies again (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock

clean: ## 删除生成物 / remove what was made
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

# workflow_engine: build, install, test
#
#   make && make install	build against PG_CONFIG and install
#   make installcheck		the suites, against a running server
#   make test				set up a throw-away server and run every suite
#   make demo				the order workflow, end to end, in a terminal
#   make check-floors		which file includes which
#   make lint				what can be found in the sources without running them
#   make release-sum		checksums of the SQL scripts that are released now
#   make coverage			every suite, and which lines it executes
#   make bench			everything that is said about speed, beside others
#   make figures-outbound	what dead and hostile servers cost
#   make faults			10,000 requests to a server that fails
#
# make test and make demo build in a temporary folder of their own, so they
# work before PostgreSQL's headers are here and leave no file behind.

srcdir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

ifneq (,$(filter test test-matrix demo setup check-floors lint release-sum \
	coverage bench figures-outbound faults console install-console \
	console-vendor,$(MAKECMDGOALS)))

.PHONY: test test-matrix demo setup check-floors lint release-sum coverage \
	bench figures-outbound faults console install-console console-vendor

test:
	@$(srcdir)/dev/test.sh

test-matrix:
	@$(srcdir)/dev/matrix.sh

demo:
	@$(srcdir)/dev/demo.sh

console:
	@$(MAKE) -C $(srcdir)/console

install-console:
	@$(MAKE) -C $(srcdir)/console install

# After a change of a version in t/npm/package.json.
console-vendor:
	@set -e; npm=$$(mktemp -d); trap 'rm -rf "$$npm"' EXIT; \
	$(srcdir)/dev/npm.sh "$$npm/npm"; \
	$(srcdir)/console/vendor.sh "$$npm/npm" $(srcdir)/console/web/vendor

setup:
	@$(srcdir)/dev/setup.sh test

check-floors:
	@$(srcdir)/dev/floors.sh

lint:
	@$(srcdir)/dev/lint.sh

release-sum:
	@python3 $(srcdir)/dev/lint/released.py --write $(srcdir)

coverage:
	@$(srcdir)/dev/coverage.sh

bench:
	@$(srcdir)/bench/bench.sh

figures-outbound:
	@$(srcdir)/bench/outbound.sh

faults:
	@$(srcdir)/bench/faults.sh

else

EXTENSION = workflow_engine
MODULE_big = workflow_engine
DATA = $(patsubst $(srcdir)/%,%,$(sort $(wildcard \
	$(srcdir)/sql/$(EXTENSION)--*.sql)))

# One noun a file; src/README.md tells what each folder holds.
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(sort $(wildcard $(srcdir)/src/*.c \
	$(srcdir)/src/*/*.c)))

PG_CONFIG ?= pg_config
CURL_CONFIG ?= curl-config
PG_CPPFLAGS = -I$(srcdir)/src $(shell $(CURL_CONFIG) --cflags)
PG_CFLAGS = -fvisibility=hidden -Wextra -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = $(shell $(CURL_CONFIG) --libs)

# Every suite is a list of names: make test refuses a file that is in none.
REGRESS = setup helpers schema definitions validate spelling templates \
	mail_sections mail_params \
	filters filters_numbers filters_arrays conditions condition_types steps \
	actions_custom fire triggers \
	triggers_text triggers_unusable history records query team identity tenants \
	grants pause depth hardening retry operate characters actions_trust \
	tenants_write held damaged altered schedules operations find titles \
	health stats failures wait preview preview_execute search purge save \
	templates_versions places diagram run_detail retry_current rerun bulk \
	pause_workflow checks strict connections render connections_view \
	schedule_times fire_workflow restored upgrade
REGRESS_OPTS = --inputdir=$(srcdir) --load-extension=workflow_engine

ISOLATION = cancel-cancel cancel-tenant check-locked define-define delete-fire \
	delete-none delete-version edit-edit fire-edit fire-key fire-serializable \
	fire-key-added purge-locked save-save retry-running retry-retry \
	retry-edit
ISOLATION_OPTS = --inputdir=$(srcdir)/t/isolation \
	--load-extension=workflow_engine

TAP_TESTS = 1
PROVE_FLAGS += -I t/lib

# What is missing is named, with the package that has it; what only removes
# files does without.
ifneq (,$(filter-out clean distclean maintainer-clean uninstall, \
	$(or $(MAKECMDGOALS),all)))

pg_major := $(shell $(PG_CONFIG) --version 2>/dev/null | \
	sed 's/^[^0-9]*\([0-9]*\).*/\1/')
# of a pg_config that is not there, from its path
pg_named := $(or $(pg_major),$(shell echo '$(PG_CONFIG)' | \
	sed -n 's/.*[^0-9]\(1[5-9]\).*/\1/p'),15)
pg_headers = Install the headers of PostgreSQL $(pg_named) (Debian, Ubuntu: \
	apt-get install postgresql-server-dev-$(pg_named); Fedora, Red Hat: \
	dnf install postgresql$(pg_named)-devel), or name another server: make \
	PG_CONFIG=/path/to/its/pg_config

ifeq (,$(pg_major))
$(error $(PG_CONFIG) is missing or fails. $(pg_headers))
endif
ifneq (,$(filter 7 8 9 10 11 12 13 14,$(pg_major)))
$(error $(PG_CONFIG) is of PostgreSQL $(pg_major), and 15 is the oldest that \
	will do. Name another server: make PG_CONFIG=/path/to/its/pg_config)
endif
ifeq (,$(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h))
$(error $(PG_CONFIG): the headers of this server are missing. $(pg_headers))
endif
ifeq (,$(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null)))
$(error $(PG_CONFIG): PGXS of this server is missing. $(pg_headers))
endif
ifeq (,$(shell $(CURL_CONFIG) --version 2>/dev/null))
$(error $(CURL_CONFIG) is missing or fails. Install the headers of libcurl \
	(Debian, Ubuntu: apt-get install libcurl4-openssl-dev; Fedora, Red Hat: \
	dnf install libcurl-devel), or name it: make CURL_CONFIG=/path/to/curl-config)
endif

endif

PGXS := $(shell $(PG_CONFIG) --pgxs)

# Without the clang that the server was built with there is no bitcode for
# its JIT, which nothing here needs.
ifeq (,$(shell command -v "$$(sed -n 's/^CLANG *= *//p' \
	"$(dir $(PGXS))../Makefile.global" 2>/dev/null)" 2>/dev/null))
override with_llvm := no
endif

include $(PGXS)

# What users read, with its folders, since the pages refer to each other.
# PGXS's DOCS would put all in one, beside those of other extensions.
example_folders = $(patsubst $(srcdir)/%/,%,$(wildcard $(srcdir)/examples/*/))
docs_target = '$(DESTDIR)$(docdir)/$(docmoduledir)/$(EXTENSION)'

ifdef docdir
install: install-docs
uninstall: uninstall-docs
endif

.PHONY: install-docs uninstall-docs
install-docs:
	$(MKDIR_P) $(addprefix $(docs_target)/,docs/pictures examples \
		$(example_folders))
	$(INSTALL_DATA) $(addprefix $(srcdir)/,README.md CHANGELOG.md LICENSE) \
		$(docs_target)/
	$(INSTALL_DATA) $(wildcard $(srcdir)/docs/*.md) $(docs_target)/docs/
	$(INSTALL_DATA) $(wildcard $(srcdir)/docs/pictures/*) \
		$(docs_target)/docs/pictures/
	$(INSTALL_DATA) $(wildcard $(srcdir)/examples/*.*) $(docs_target)/examples/
	$(foreach folder,$(example_folders),$(INSTALL_DATA) \
		$(srcdir)/$(folder)/* $(docs_target)/$(folder)/ &&) true

uninstall-docs:
	rm -rf $(docs_target)

# Out of tree there is no src/ yet; and every object knows every header,
# since PGXS tracks none in a server built without --enable-depend.
$(OBJS): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h) | objdirs

.PHONY: objdirs suites
objdirs:
	@$(MKDIR_P) $(sort $(dir $(OBJS)))

# For dev/test.sh: what the suites hold.
suites:
	@echo 'regress $(REGRESS)'
	@echo 'isolation $(ISOLATION)'

endif

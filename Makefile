# workflow_engine: build, install, test
#
#   make && make install	build against PG_CONFIG and install
#   make installcheck		the suites, against a running server
#   make test				set up a throw-away server and run every suite
#   make demo				the order workflow, end to end, in a terminal
#   make check-floors		which file includes which
#   make bench			everything that is said about speed, beside others
#   make figures-outbound	what dead and hostile servers cost
#   make faults			10,000 requests to a server that fails
#
# make test and make demo build in a temporary folder of their own, so they
# work before PostgreSQL's headers are here and leave no file behind.

srcdir := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

ifneq (,$(filter test demo setup check-floors bench figures-outbound faults, \
	$(MAKECMDGOALS)))

.PHONY: test demo setup check-floors bench figures-outbound faults

test:
	@$(srcdir)/dev/test.sh

demo:
	@$(srcdir)/dev/demo.sh

setup:
	@$(srcdir)/dev/setup.sh test

check-floors:
	@$(srcdir)/dev/floors.sh

bench:
	@$(srcdir)/bench/bench.sh

figures-outbound:
	@$(srcdir)/bench/outbound.sh

faults:
	@$(srcdir)/bench/faults.sh

else

EXTENSION = workflow_engine
MODULE_big = workflow_engine
DATA = sql/workflow_engine--1.0.sql

# One noun a file; src/README.md tells the floors they stand on.
OBJS = $(patsubst $(srcdir)/%.c,%.o,$(sort $(wildcard $(srcdir)/src/*.c \
	$(srcdir)/src/actions/*.c)))

PG_CONFIG ?= pg_config
CURL_CONFIG ?= curl-config
PG_CPPFLAGS = -I$(srcdir)/src $(shell $(CURL_CONFIG) --cflags)
PG_CFLAGS = -fvisibility=hidden -Wextra -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = $(shell $(CURL_CONFIG) --libs)

# Every suite is a list of names: make test refuses a file that is in none.
REGRESS = setup helpers schema definitions validate spelling templates \
	filters conditions condition_types steps actions_custom fire triggers \
	triggers_text triggers_unusable history records identity tenants \
	grants pause depth hardening retry operate characters actions_trust \
	tenants_write held damaged altered
REGRESS_OPTS = --inputdir=$(srcdir) --load-extension=workflow_engine

ISOLATION = cancel-cancel cancel-tenant define-define delete-fire delete-none \
	delete-version edit-edit fire-edit fire-key fire-serializable \
	fire-key-added
ISOLATION_OPTS = --inputdir=$(srcdir)/t/isolation \
	--load-extension=workflow_engine

TAP_TESTS = 1
PROVE_FLAGS += -I t/lib

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Out of tree there is no src/ yet; and every object knows every header,
# since PGXS tracks none in a server built without --enable-depend.
$(OBJS): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/actions/*.h) | objdirs

.PHONY: objdirs suites
objdirs:
	@$(MKDIR_P) $(sort $(dir $(OBJS)))

# For dev/test.sh: what the suites hold.
suites:
	@echo 'regress $(REGRESS)'
	@echo 'isolation $(ISOLATION)'

endif

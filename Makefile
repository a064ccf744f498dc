# build    target/release/flinkpack
# up       the test environment, under target/; writes target/env.sh       down  ends it
# test     every test, on the environment                                  demo  see it work
# bench    the comparison with other tools                                 fuzz  the parsers, a minute each
# proof    docs/proof.md: what check finds, and what Flink then does
# clean    all of it away

.PHONY: build up down test demo bench fuzz proof clean rust

rust:
	@command -v cargo >/dev/null || { echo "no cargo here: install Rust 1.90 or newer, with rustfmt and clippy (Debian: apt-get install rustup && rustup default stable)" >&2; exit 1; }

build: rust
	cargo build --release

up: build
	tests/env/up

down:
	tests/env/down

# What the environment is made of comes while flinkpack is compiled; the program that the
# tests run makes the bases, too.
test: export FLINKPACK_TEST_PROGRAM = $(CURDIR)/target/debug/flinkpack
test: rust
	tests/env/up downloads & \
	cargo test --no-run --lib --test it && wait $$! && tests/env/up
	. target/env.sh && cargo test --no-fail-fast --lib --test it

demo: build
	examples/demo

bench: up
	. target/env.sh && benches/run && benches/resolve && benches/check 3 && benches/engine 3

fuzz: rust
	fuzz/run

proof: up
	. target/env.sh && FLINKPACK_PROOF=write cargo test --test it -- e2e::proof

clean: down
	rm -rf target examples/orders/build

# build    target/release/flinkpack
# up       the test environment, under target/; writes target/env.sh       down  ends it
# test     every test, on the environment                                  demo  see it work
# bench    the comparison with other tools                                 fuzz  the parsers, a minute each
# proof    docs/proof.md: what check finds, and what Flink then does
# clean    all of it away

.PHONY: build up down test demo bench fuzz proof clean

build:
	cargo build --release

up: build
	tests/env/up

down:
	tests/env/down

# Its crates give some dependencies more features, and with other features everything is
# compiled once more: so it makes the binary, too, and not `build`.
test:
	cargo test --release --no-run --lib --test it
	tests/env/up
	. target/env.sh && cargo test --release --no-fail-fast --lib --test it

demo: build
	examples/demo

bench: up
	. target/env.sh && benches/run && benches/resolve && benches/check 3 && benches/engine 3

fuzz:
	fuzz/run

proof: up
	. target/env.sh && FLINKPACK_PROOF=write cargo test --release --test it -- e2e::proof

clean: down
	rm -rf target examples/orders/build

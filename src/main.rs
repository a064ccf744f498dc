fn main() -> std::process::ExitCode {
    flinkpack::cli::main()
}

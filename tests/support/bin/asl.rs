//! The program `asl`, for the tests of this package.
fn main() -> std::process::ExitCode {
    stepwell_server::run(std::env::args_os())
}

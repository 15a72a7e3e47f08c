//! The program `asl`: see [`stepwell_server::run`].
fn main() -> std::process::ExitCode {
    stepwell_server::run(std::env::args_os())
}

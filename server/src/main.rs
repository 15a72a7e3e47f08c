//! The program `asl`: see [`stepwell_server::run`].

/// Measured: see `benches/README.md`. Programs that embed the engine choose for themselves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    stepwell_server::run(std::env::args_os())
}

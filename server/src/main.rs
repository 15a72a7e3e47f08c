//! The program `asl`: see [`stepwell_server::run`].
fn main() {}

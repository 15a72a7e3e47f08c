//! The server: requests in, until it is told to stop.

use axum::serve::ListenerExt as _;
use stepwell::Engine;
use tokio::net::TcpListener;

use crate::api;

/// Serves `engine` on `listener` until `shutdown` completes, then finishes the requests that are
/// under way. Executions go on with the engine.
///
/// # Errors
///
/// [`std::io::Error`] when the listener fails.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Small answers must not wait for each other's acknowledgements.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let polled = engine.clone();
    axum::serve(listener, api::router(engine))
        .with_graceful_shutdown(async move {
            shutdown.await;
            // Nobody waits a minute for the workers who poll.
            polled.end_polling();
        })
        .await
}

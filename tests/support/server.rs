//! The server in this process, with everything in memory.

use std::net::SocketAddr;

use stepwell::{Engine, EngineBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::client::{Client, client};

/// The role of the state machines that tests create.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/tests";

/// A server on a port of its own. It stops when it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// A client of it.
    pub client: Client,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Starts a server with nothing but a memory.
    pub async fn start() -> Self {
        Self::with(Engine::builder()).await
    }

    /// Starts a server of an engine.
    pub async fn with(builder: EngineBuilder) -> Self {
        let engine = builder.build().await.expect("the engine can be built");
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(stepwell_server::serve(engine, listener, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            client: client(address),
            _stop: stop,
        }
    }

    /// Creates a state machine; answers its ARN.
    pub async fn create(&self, name: &str, definition: &str) -> String {
        let created = self
            .client
            .create_state_machine()
            .name(name)
            .definition(definition)
            .role_arn(ROLE)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        created.state_machine_arn
    }

    /// Starts an execution; answers its ARN.
    pub async fn begin(&self, machine: &str, name: &str, input: &str) -> String {
        let started = self
            .client
            .start_execution()
            .state_machine_arn(machine)
            .name(name)
            .input(input)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        started.execution_arn
    }
}

//! A Kafka broker with nothing to install: librdkafka's mock cluster behind a fixed address.
//!
//! For trying out and for tests. It keeps everything in memory: 5 MiB or 100,000 batches per partition, as they were
//! sent (compressed), the oldest going first. It knows no aborted transactions, no offsets by time, no administration.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// The only broker of the cluster.
pub const BROKER_ID: i32 = 1;

/// A running broker; it ends when this is dropped.
pub struct Broker {
    // The door closes before the cluster behind it goes.
    door: Door,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

/// Why the broker does not run. The text names the address or topic and the remedy.
#[derive(Debug)]
pub enum BrokerError {
    /// The address cannot be listened on.
    Listen {
        /// Address asked for.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// A topic cannot be made.
    Topic {
        /// Topic and partitions asked for.
        topic: String,
        /// What the cluster said.
        cause: String,
    },
    /// The mock cluster itself does not start.
    Cluster(String),
}

impl std::fmt::Display for BrokerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BrokerError::Listen { address, cause } => write!(
                f,
                "the broker cannot listen on {address}: {cause}\n  stop what listens there (`ss -ltnp 'sport = :{}'` names it), or choose another address: `engine broker --listen 127.0.0.1:19092`",
                address.port()
            ),
            BrokerError::Topic { topic, cause } => {
                write!(
                    f,
                    "topic {topic} cannot be made: {cause}\n  give it as name:partitions, for example `--topic streaming-events:12`"
                )
            }
            BrokerError::Cluster(cause) => write!(f, "librdkafka's mock cluster does not start: {cause}"),
        }
    }
}

impl std::error::Error for BrokerError {}

impl Broker {
    /// Starts a broker that clients find at `listen` (port 0: any free port), with these topics and their numbers of partitions.
    /// Topics that are written to and do not exist get 4 partitions.
    ///
    /// Clients on other machines do not reach it: the address it names is on 127.0.0.1.
    ///
    /// # Errors
    /// The address is taken, or a topic cannot be made.
    pub fn start(listen: SocketAddr, topics: &[(String, i32)]) -> Result<Broker, BrokerError> {
        let listener = TcpListener::bind(listen).map_err(|cause| BrokerError::Listen { address: listen, cause })?;
        let cluster = MockCluster::new(1).map_err(|error| BrokerError::Cluster(error.to_string()))?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, *partitions, 1).map_err(|error| BrokerError::Topic {
                topic: format!("{topic}:{partitions}"),
                cause: error.to_string(),
            })?;
        }
        let inner = cluster.bootstrap_servers();
        let inner: SocketAddr =
            inner.parse().map_err(|_| BrokerError::Cluster(format!("it gives {inner:?} as its address")))?;
        let door = Door::open(listener, inner).map_err(|cause| BrokerError::Listen { address: listen, cause })?;
        Ok(Broker { door, cluster })
    }

    /// The address to give to clients.
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// The cluster behind the address, to make topics and faults.
    pub fn cluster(&self) -> &MockCluster<'static, DefaultProducerContext> {
        &self.cluster
    }
}

/// Runs a broker until `stop` returns; `ready` is called once clients can connect.
///
/// # Errors
/// As [`Broker::start`].
pub fn serve(
    listen: SocketAddr,
    topics: &[(String, i32)],
    ready: impl FnOnce(SocketAddr),
    stop: impl FnOnce(),
) -> Result<(), BrokerError> {
    let broker = Broker::start(listen, topics)?;
    ready(broker.address());
    stop();
    Ok(())
}

/// Listens on the fixed address and passes every connection on. Clients use it for their first question only: the
/// answer names the cluster's own port.
struct Door {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Door {
    fn open(listener: TcpListener, inner: SocketAddr) -> io::Result<Door> {
        let address = listener.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let accepting =
            thread::Builder::new().name("broker-door".to_string()).spawn(move || accept(&listener, inner, &seen))?;
        Ok(Door { address, closing, accepting: Some(accepting) })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread out of `accept`; it then sees the flag.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        if TcpStream::connect(own).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, inner: SocketAddr, closing: &AtomicBool) {
    for client in listener.incoming() {
        if closing.load(Ordering::SeqCst) {
            return;
        }
        let passed_on = client.and_then(|client| {
            let server = TcpStream::connect(inner)?;
            pass_on(client.try_clone()?, server.try_clone()?)?;
            pass_on(server, client)
        });
        if let Err(error) = passed_on {
            tracing::debug!(%error, "a connection to the broker was not passed on");
        }
    }
}

/// Copies one direction of a connection until either side closes.
fn pass_on(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    from.set_nodelay(true)?;
    thread::Builder::new().name("broker-pass".to_string()).spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;

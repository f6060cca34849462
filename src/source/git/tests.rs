use std::{
    io::Write,
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::*;

/// A server that never comes to an end, nor to a pause: what it sends are the beginnings of an HTTP
/// header. It counts its clients.
fn dripping_server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/r.git", listener.local_addr().unwrap());
    let clients = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&clients);
    thread::spawn(move || {
        for client in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || {
                let mut client = client.unwrap();
                let mut text = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
                while client.write_all(&text).is_ok() {
                    text = b"x".to_vec();
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
    });
    (url, clients)
}

#[tokio::test]
async fn a_server_that_drips_for_ever_does_not_keep_the_source_for_ever() {
    let (url, clients) = dripping_server();
    let cache = tempfile::tempdir().unwrap();
    let source = GitSource {
        patience: Duration::from_millis(1),
        ..GitSource::open(GitConfig {
            cache_dir: cache.path().to_owned(),
            timeout: Duration::from_millis(50),
            ..GitConfig::new(url.parse().unwrap())
        })
        .unwrap()
    };
    while clients.load(Ordering::SeqCst) <= MOST_STUCK {
        let error = source.poll().await.unwrap_err();
        assert!(
            matches!(error.code(), "source/timed-out" | "source/busy"),
            "{error}"
        );
    }
    // But it does not pile up threads without end.
    for _ in 0..10 {
        assert_eq!(source.poll().await.unwrap_err().code(), "source/busy");
    }
    assert_eq!(clients.load(Ordering::SeqCst), MOST_STUCK + 1);
}

//! Where keys come from: the environment with its session token, a machine's metadata service, and nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::store_error;
use crate::location::s3_root;

use super::*;

/// What a machine's metadata service answers, and a store that has one object: `METHOD path` and the headers of each request are sent on.
struct Service {
    address: String,
    requests: Receiver<(String, Vec<String>)>,
}

const ROLE: &str = r#"{"Code":"Success","AccessKeyId":"AKIDROLE","SecretAccessKey":"hush","Token":"role-token","Expiration":"2099-01-01T00:00:00Z"}"#;

fn service() -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let Some(first) = lines.next() else { continue };
            let headers: Vec<String> = lines.map(|line| line.to_lowercase()).collect();
            let answer = match first.rsplit_once(' ').unwrap().0 {
                "PUT /latest/api/token" => "metadata-token",
                "GET /latest/meta-data/iam/security-credentials/" => "engine-role",
                "GET /latest/meta-data/iam/security-credentials/engine-role" => ROLE,
                _ => "content",
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: \"1\"\r\n", answer.len());
            let head = format!("{head}last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close\r\n\r\n");
            let _ = (&stream).write_all(format!("{head}{answer}").as_bytes());
            let _ = sender.send((first, headers));
        }
    });
    Service { address, requests }
}

fn store(variables: &[(&str, &str)]) -> Result<Arc<dyn ObjectStore>, SinkError> {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
    s3_root("s3://bucket/x", &find).map(|(_, store)| store)
}

/// The headers of the request for the object.
fn asked_of_the_store(service: &Service) -> Vec<String> {
    let (_, headers) = service.requests.iter().find(|(first, _)| first.contains("/bucket/x")).unwrap();
    headers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_of_the_environment_is_sent() {
    let service = service();
    let store = store(&[
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("AWS_SESSION_TOKEN", "session-token"),
        ("AWS_ENDPOINT_URL", &service.address),
        ("AWS_ALLOW_HTTP", "true"),
    ])
    .unwrap();
    store.get(&Path::from("x")).await.unwrap();
    let headers = asked_of_the_store(&service);
    assert!(headers.iter().any(|line| line == "x-amz-security-token: session-token"), "{headers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_machine_gives_keys_where_none_are_set() {
    let service = service();
    let variables = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.address.as_str()),
        ("AWS_ENDPOINT_URL", &service.address),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let store = store(&variables).unwrap();
    store.get(&Path::from("x")).await.unwrap();
    let headers = asked_of_the_store(&service);
    assert!(headers.iter().any(|line| line == "x-amz-security-token: role-token"), "{headers:?}");
    assert!(headers.iter().any(|line| line.contains("credential=akidrole/")), "{headers:?}");
    assert!(!format!("{store:?}").contains("hush"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_metadata_service_is_said_soon_and_with_what_was_tried() {
    // Takes connections and never answers, as behind a network that drops the answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let store = store(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", address.as_str())]).unwrap();
    let begun = Instant::now();
    let error = store.get(&Path::from("x")).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    match store_error("reading", &error) {
        SinkError::Settings(text) => {
            for part in
                ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS", "metadata service"]
            {
                assert!(text.as_str().contains(part), "{part} is not in {text}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_is_asked_is_as_the_environment_says() {
    let tried = |variables: &[(&str, &str)]| {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string());
        Giver::find("s3://bucket/x", &find).unwrap().map(|giver| (giver.settings.len(), giver.tried))
    };
    let identity = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")];
    assert!(matches!(tried(&identity), Some((2, text)) if text.contains("web identity")));
    assert!(matches!(tried(&[]), Some((0, text)) if text.contains("metadata service")));
    let task = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1")];
    assert!(matches!(tried(&task), Some((1, text)) if text.contains("RELATIVE_URI")));
    let pod = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"),
    ];
    assert!(matches!(tried(&pod), Some((2, text)) if text.contains("FULL_URI")));
    assert_eq!(tried(&[("AWS_EC2_METADATA_DISABLED", "true")]), None);
}

/// One of two variables that name a giver only together was passed over, and whoever else gives keys was asked.
#[test]
fn fault_half_of_a_pair_of_variables_is_refused_with_what_is_missing() {
    let pairs = [
        ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
        ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
    ];
    for [one, other] in pairs {
        for (set, missing) in [(one, other), (other, one)] {
            // Empty counts as not set.
            let SinkError::Settings(text) = store(&[(set, "x"), (missing, "")]).err().unwrap() else { panic!("{set}") };
            assert!(text.as_str().contains(&format!("{set} is set")), "{text}");
            assert!(text.as_str().contains(&format!("set {missing} too, or take {set} away")), "{text}");
        }
        store(&[(one, "x"), (other, "x")]).unwrap();
        // Keys of the environment come first.
        store(&[(one, "x"), ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "hush")]).unwrap();
    }
}

//! Root credentials that only the Vault knows, against the real server and an IAM of three answers.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
};

use crate::world::{changes, on_a_vault};

/// An IAM that knows one user and gives them one more key.
fn iam() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0_u8; 4096];
            while !String::from_utf8_lossy(&request).contains("Action=") {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    read => request.extend_from_slice(&buffer[..read]),
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let (name, inner) = if request.contains("Action=GetUser") {
                (
                    "GetUser",
                    "<GetUserResult><User><UserName>vault</UserName><UserId>AIDA</UserId><Path>/</Path><Arn>arn:aws:iam::111122223333:user/vault</Arn></User></GetUserResult>",
                )
            } else if request.contains("Action=CreateAccessKey") {
                (
                    "CreateAccessKey",
                    "<CreateAccessKeyResult><AccessKey><UserName>vault</UserName><AccessKeyId>AKIAROTATED000000000</AccessKeyId><Status>Active</Status><SecretAccessKey>made-by-aws-made-by-aws</SecretAccessKey></AccessKey></CreateAccessKeyResult>",
                )
            } else {
                ("DeleteAccessKey", "")
            };
            let body = format!(
                "<{name}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{inner}<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{name}Response>"
            );
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    url
}

#[test]
fn rotated_root_credentials_are_never_written_back_until_the_file_has_others() {
    let Some((world, server)) = on_a_vault() else {
        return;
    };
    fs::write(world.path("secret"), "swordfish-swordfish").unwrap();
    let spec = |region: &str, key: &str| {
        format!(
            "  secretsEngines:\n    - type: aws\n      config: {{root: {{region: {region}, access_key: {key}, secret_key: {{file: {}}}, iam_endpoint: \"{}\", sts_endpoint: \"http://127.0.0.1:1\"}}}}\n",
            world.path("secret").display(),
            "IAM"
        )
    };
    let iam = iam();
    let write = |region: &str, key: &str| {
        world.write(&server.url, &spec(region, key).replace("IAM", &iam));
    };
    write("us-west-2", "AKIAFIRST00000000000");
    world.vault("bootstrap", 0);
    let dry = world.run(&["vault", "rotate-root", "vault.yaml", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(2), "{dry:?}");
    let key = || {
        let root = world.with_root(&server, |vault| vault.read("aws/config/root"));
        root["data"]["access_key"].as_str().unwrap().to_owned()
    };
    assert_eq!(key(), "AKIAFIRST00000000000");
    let output = world.run(&["vault", "rotate-root", "vault.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = format!("{output:?}");
    assert!(
        said.contains("AKIAROTATED000000000") && !said.contains("made-by-aws"),
        "{said}"
    );
    assert_eq!(key(), "AKIAROTATED000000000");

    // The file still has the first ones: they are of no use any more, and stay where they are.
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
    write("us-east-1", "AKIAFIRST00000000000");
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        ["configure aws/config/root"]
    );
    assert_eq!(key(), "AKIAROTATED000000000");
    // Others in the file are meant.
    fs::write(world.path("secret"), "another-swordfish").unwrap();
    write("us-east-1", "AKIASECOND0000000000");
    assert_eq!(
        changes(&world.vault("bootstrap", 0)),
        ["configure aws/config/root"]
    );
    assert_eq!(key(), "AKIASECOND0000000000");
    assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
}

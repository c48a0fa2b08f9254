//! Messages as protobuf and JSON.

use compatible_edge::{
    method::{Encoding, Method},
    prpc::{
        Certificate, ContractQueryRequest, ContractQueryResponse, Empty, PhactoryInfo, PrpcError,
        Signature,
    },
};
use prost::Message as _;

fn request() -> ContractQueryRequest {
    ContractQueryRequest {
        encoded_encrypted_data: vec![1, 2],
        signature: Some(Signature {
            signed_by: Some(Box::new(Certificate { encoded_body: vec![3], signature: None })),
            signature_type: 4,
            signature: vec![5],
        }),
    }
}

#[test]
fn messages_are_the_known_protobuf() {
    // Field and kind, length, content.
    let expected = "0a020102" // encoded_encrypted_data
        .to_owned()
        + "120a" // signature
        + "0a030a0103" // signed_by, encoded_body
        + "1004" // signature_type
        + "1a0105"; // signature
    assert_eq!(hex::encode(request().encode_to_vec()), expected);
    let response = ContractQueryResponse {
        encoded_encrypted_data: vec![1],
        blocknum: 300,
        encoded_encrypted_proof: vec![2],
    };
    assert_eq!(hex::encode(response.encode_to_vec()), "0a010110ac027a0102");
    let info = PhactoryInfo { public_key: Some("ab".to_owned()), blocknum: 7, ..Default::default() };
    assert_eq!(hex::encode(info.encode_to_vec()), "2a0261624807");
    let error = Encoding::Protobuf.error("no");
    assert_eq!(PrpcError::decode(&error[..]).unwrap().message, "no");
}

#[test]
fn json_has_the_names_of_the_fields_and_lists_of_bytes() {
    let json = r#"{"encoded_encrypted_data":[1,2],"signature":{"signed_by":
        {"encoded_body":[3],"signature":null},"signature_type":4,"signature":[5]}}"#;
    let read: ContractQueryRequest = Encoding::Json.read(json.as_bytes(), 1000).unwrap();
    assert_eq!(read, request());
    let written = Encoding::Json.write(&request());
    assert_eq!(Encoding::Json.read::<ContractQueryRequest>(&written, 1000).unwrap(), request());
    let error: serde_json::Value = serde_json::from_slice(&Encoding::Json.error("no")).unwrap();
    assert_eq!(error["error"], "no");
}

#[test]
fn bad_messages_are_refused() {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        assert!(encoding.read::<Empty>(b"", 0).is_ok(), "nothing is a message without fields");
        assert!(encoding.read::<ContractQueryRequest>(&[0xff; 8], 1000).is_err());
        assert!(encoding.read::<ContractQueryRequest>(&[b'{'; 9], 8).is_err());
        assert!(encoding.read::<ContractQueryRequest>(b"[1]", 1000).is_err());
    }
    // A certificate signed by a certificate and so on, deeper than anybody reads.
    let mut certificate = Certificate::default();
    for _ in 0..500 {
        let signature = Signature { signed_by: Some(Box::new(certificate)), ..Default::default() };
        certificate = Certificate { signature: Some(Box::new(signature)), ..Default::default() };
    }
    let deep = ContractQueryRequest {
        encoded_encrypted_data: Vec::new(),
        signature: certificate.signature.map(|signature| *signature),
    };
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let bytes = encoding.write(&deep);
        assert!(encoding.read::<ContractQueryRequest>(&bytes, bytes.len()).is_err());
    }
    assert_eq!(Method::of("Stop"), None);
    assert_eq!(Method::of("ContractQuery").unwrap().body_bytes_max(), 500 * 1024);
}

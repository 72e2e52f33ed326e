#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use super::*;
use proptest::prelude::*;

crate::core::assert_not_impl!(Key: std::fmt::Debug, std::fmt::Display, Clone, PartialEq, AsRef<[u8]>);
crate::core::assert_not_impl!(Keyring: std::fmt::Debug, std::fmt::Display, Clone, PartialEq);

const PASSWORD: &str = "correct horse battery staple";

const HERE: Context = Context {
    system_identifier: 7_300_000_000_000_000_001,
    role_oid: 16_401,
    version: 3,
};

/// A ring of keys that are each made from one number.
fn ring(numbers: &[u8]) -> Keyring {
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|n| (0..32).map(move |i| i ^ n))
        .collect();
    Keyring::parse(&bytes).map_err(|e| e.to_string()).unwrap()
}

fn sealed(ring: &Keyring, text: &str) -> Vec<u8> {
    ring.seal(&Secret::new(text.to_owned()), &HERE).unwrap()
}

fn opens(ring: &Keyring, envelope: &[u8], context: &Context) -> bool {
    ring.open(envelope, context).is_ok()
}

#[test]
fn the_vector_of_the_draft_comes_out() {
    assert!(known_answer::comes_out() && self_test().is_ok());
}

#[test]
fn what_was_sealed_opens_to_the_same_text() {
    let ring = ring(&[200]);
    for text in ["", PASSWORD, "Größe \u{1F600}", &"x".repeat(10_000)] {
        assert_eq!(
            ring.open(&sealed(&ring, text), &HERE).unwrap().expose(),
            text
        );
    }
}

#[test]
fn an_envelope_has_the_documented_shape_and_nothing_of_the_text() {
    let ring = ring(&[200]);
    let envelope = sealed(&ring, PASSWORD);
    assert_eq!(envelope.len(), 1 + 8 + 24 + PASSWORD.len() + 16);
    assert_eq!(envelope[0], 1);
    assert_eq!(envelope[1..9], ring.keys().next().unwrap().id());
    let told = envelope
        .windows(4)
        .any(|e| PASSWORD.as_bytes().windows(4).any(|p| p == e));
    assert!(!told);
}

#[test]
fn equal_passwords_are_sealed_to_different_bytes() {
    let ring = ring(&[200]);
    let (a, b) = (sealed(&ring, PASSWORD), sealed(&ring, PASSWORD));
    assert_ne!(a[9..33], b[9..33], "the nonce");
    assert_ne!(a[33..], b[33..]);
}

#[test]
fn what_is_bound_is_written_so_for_ever() {
    // What is stored opens only as long as these bytes, in this order, stay the same.
    let fields = [
        [0x65, 0x4e, 0xcf, 0x52, 0xac, 0x5a, 0x00, 0x01].as_slice(),
        &[0x00, 0x00, 0x40, 0x11],
        &[0, 0, 0, 0, 0, 0, 0, 3],
    ];
    let label = b"HEADERcredential_manager password v1\0".as_slice();
    assert_eq!(HERE.bind(b"HEADER"), [label, &fields.concat()].concat());
}

#[test]
fn moved_to_another_installation_role_or_version_it_does_not_open() {
    let ring = ring(&[200]);
    let envelope = sealed(&ring, PASSWORD);
    let elsewhere = [
        Context {
            system_identifier: HERE.system_identifier + 1,
            ..HERE
        },
        Context {
            role_oid: HERE.role_oid + 1,
            ..HERE
        },
        Context {
            version: HERE.version + 1,
            ..HERE
        },
        Context {
            version: -HERE.version,
            ..HERE
        },
    ];
    assert!(opens(&ring, &envelope, &HERE));
    for context in elsewhere {
        let e = ring.open(&envelope, &context).err().unwrap();
        assert_eq!((e.kind(), e.detail_text()), (Kind::NotReady, Some(CHANGED)));
    }
}

#[test]
fn a_wrong_key_does_not_open_it_even_under_the_right_id() {
    let (right, wrong) = (ring(&[200]), ring(&[100]));
    let mut envelope = sealed(&right, PASSWORD);
    let e = wrong.open(&envelope, &HERE).err().unwrap();
    assert_eq!((e.kind(), e.detail_text()), (Kind::NotReady, Some(NO_KEY)));
    envelope[1..9].copy_from_slice(&wrong.newest.id());
    assert_eq!(
        wrong.open(&envelope, &HERE).err().unwrap().detail_text(),
        Some(CHANGED)
    );
}

#[test]
fn with_a_new_key_on_top_the_old_one_opens_and_the_new_one_seals() {
    let (before, after) = (ring(&[200]), ring(&[100, 200]));
    let old = sealed(&before, PASSWORD);
    assert!(
        opens(&after, &old, &HERE)
            && before.sealed_with_first(&old)
            && !after.sealed_with_first(&old)
    );
    let new = sealed(&after, after.open(&old, &HERE).unwrap().expose());
    assert!(
        after.sealed_with_first(&new)
            && opens(&ring(&[100]), &new, &HERE)
            && !opens(&before, &new, &HERE)
    );
}

#[test]
fn cut_at_any_length_it_is_refused() {
    let ring = ring(&[200]);
    let envelope = sealed(&ring, PASSWORD);
    for length in 0..envelope.len() {
        assert!(!opens(&ring, &envelope[..length], &HERE), "{length}");
    }
    assert!(!ring.sealed_with_first(&envelope[..40]) && !ring.sealed_with_first(b""));
}

#[test]
fn a_key_has_32_bytes_and_an_id_that_is_not_part_of_it() {
    assert!(Key::new(&[1; 31]).is_none() && Key::new(&[1; 33]).is_none());
    let bytes: Vec<u8> = (0..32).collect();
    let id = Key::new(&bytes).unwrap().id();
    assert_eq!(id.map(|b| format!("{b:02x}")).concat(), "f38991c4d74b29d1");
}

proptest! {
    #[test]
    fn with_any_byte_changed_it_does_not_open(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let ring = ring(&[100, 200]);
        let mut envelope = sealed(&ring, PASSWORD);
        let at = at.index(envelope.len());
        envelope[at] ^= flip;
        let refused = ring.open(&envelope, &HERE).err().map(|e| e.kind());
        prop_assert_eq!(refused, Some(Kind::NotReady));
    }

    #[test]
    fn no_bytes_open_and_none_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!opens(&ring(&[200]), &bytes, &HERE));
    }
}

"""Signed notes and keys: Go's published texts as known answers, and nothing accepted that was changed."""

import base64
import hashlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from muniment.errors import MerkleError
from muniment.merkle.note import MAX_NOTE_BYTES, Note, Signature, Signer, Verifier, open_note, parse_note, sign_note

# keys, text and signatures of the package documentation and tests of golang.org/x/mod/sumdb/note
NEUMANN_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
GO_NOTE = f"{TEXT}\n{NEUMANN_LINE}"

ALICE = Signer("alice.example/log", bytes(range(32)))
BOB = Signer("bob.example/log", bytes(range(32, 64)))

texts = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=40)
bodies = st.lists(texts, min_size=1, max_size=5).map(lambda lines: "".join(f"{line}\n" for line in lines))
names = texts.filter(lambda name: name and "+" not in name and not any(map(str.isspace, name)))
signers = st.builds(Signer, names, st.binary(min_size=32, max_size=32))


def flip(note: str, bit: int) -> bytes:
    changed = bytearray(note.encode())
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


# --- keys


def test_keys_are_written_as_go_writes_them() -> None:
    signer = Signer.parse(NEUMANN_SKEY)
    assert (signer.name, signer.encode(), signer.vkey) == ("PeterNeumann", NEUMANN_SKEY, NEUMANN_VKEY)
    verifier = Verifier.parse(NEUMANN_VKEY)
    assert (verifier.name, verifier.key_id, verifier.vkey) == ("PeterNeumann", "c74f20a3", NEUMANN_VKEY)
    assert signer.verifier == verifier


def test_a_key_id_is_the_start_of_the_hash_of_name_type_and_key() -> None:
    verifier = ALICE.verifier
    assert verifier.key_id == hashlib.sha256(b"alice.example/log\n\x01" + verifier.public_key).hexdigest()[:8]


@settings(deadline=None)
@given(signers)
def test_keys_read_back_are_the_same_keys(signer: Signer) -> None:
    assert Signer.parse(signer.encode()) == signer
    assert Verifier.parse(signer.vkey) == signer.verifier


def test_two_new_keys_are_two_keys() -> None:
    assert Signer.generate("log.example").vkey != Signer.generate("log.example").vkey


def test_a_signing_key_shows_itself_in_no_repr_and_no_error() -> None:
    assert repr(ALICE) == "Signer(name='alice.example/log')"
    secret = ALICE.encode()
    for broken in (secret[:-1], secret[:-5], secret + "=", secret.replace("KEY+", "KEY-"), secret[1:], secret + "AAAA"):
        with pytest.raises(MerkleError) as caught:
            Signer.parse(broken)
        assert secret[-40:-10] not in str(caught.value)


@pytest.mark.parametrize(
    ("vkey", "message"),
    [
        ("", "a verifier key has 3 parts with a plus between them"),
        ("log.example+00000000", "a verifier key has 3 parts with a plus between them"),
        (NEUMANN_VKEY.replace("c74f20a3", "c74f20a4"), "the key id is c74f20a3 in truth, not 'c74f20a4'"),
        (NEUMANN_VKEY.replace("c74f20a3", "C74F20A3"), "the key id is c74f20a3 in truth, not 'C74F20A3'"),
        (NEUMANN_VKEY.replace("Peter", "Petra"), "the key id is [0-9a-f]{8} in truth, not 'c74f20a3'"),
        (f"{NEUMANN_VKEY}\n", "the last part of the verifier key is not Base 64: .*"),
        (NEUMANN_VKEY.replace("2Qc", "2Qd"), "the key id is [0-9a-f]{8} in truth, not 'c74f20a3'"),
        (NEUMANN_VKEY.replace("+AR", "+Ah"), "the verifier key is not of type 1, Ed25519"),
        (NEUMANN_VKEY[:-4], "an Ed25519 public key has 32 bytes, not 29"),
        (NEUMANN_VKEY[:-1], "the last part of the verifier key is not Base 64: .*"),
        ("a b+00000000+AAAA", "the verifier key is not of type 1, Ed25519"),
        ("a+00000000+", "the verifier key is not of type 1, Ed25519"),
    ],
)
def test_a_verifier_key_spelled_in_another_way_is_refused(vkey: str, message: str) -> None:
    with pytest.raises(MerkleError, match=f"^{message}$"):
        Verifier.parse(vkey)


def test_a_signing_key_under_another_name_or_id_is_refused() -> None:
    for broken in (NEUMANN_SKEY.replace("Peter", "Petra"), NEUMANN_SKEY.replace("c74f20a3", "c74f20a4")):
        with pytest.raises(MerkleError, match=r"^the key id is [0-9a-f]{8} in truth, not 'c74f20a[34]'$"):
            Signer.parse(broken)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\u0085", "a\tb", "a\nb", "a\x00b", "\ud800"])
def test_a_key_cannot_have_a_name_that_a_note_cannot_hold(name: str) -> None:
    for make in (lambda: Signer(name, bytes(32)), lambda: Signer.generate(name), lambda: Verifier(name, bytes(32))):
        with pytest.raises(MerkleError, match=r"key.* name"):
            make()


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(MerkleError, match=f"^an Ed25519 private key has 32 bytes, not {length}$"):
        Signer("log.example", bytes(length))
    with pytest.raises(MerkleError, match=f"^an Ed25519 public key has 32 bytes, not {length}$"):
        Verifier("log.example", bytes(length))


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_key_or_refused(text: str) -> None:
    for parse in (Signer.parse, Verifier.parse):
        with pytest.raises(MerkleError):
            parse(text)


# --- notes


def test_a_note_is_signed_as_go_signs_it() -> None:
    assert sign_note(TEXT, [Signer.parse(NEUMANN_SKEY)]) == GO_NOTE


def test_a_note_of_go_opens() -> None:
    both = GO_NOTE + ENOCH_LINE
    opened = open_note(both, [Verifier.parse(NEUMANN_VKEY)])
    assert opened.text == TEXT
    assert [signature.line for signature in opened.verified] == [NEUMANN_LINE]
    assert [signature.line for signature in opened.unverified] == [ENOCH_LINE]
    opened = open_note(both, [Verifier.parse(ENOCH_VKEY), Verifier.parse(NEUMANN_VKEY)])
    assert [signature.name for signature in opened.verified] == ["PeterNeumann", "EnochRoot"]


@settings(deadline=None)
@given(bodies, st.lists(signers, min_size=1, max_size=4, unique_by=lambda signer: signer.vkey))
def test_what_was_signed_opens_as_it_was(text: str, keys: list[Signer]) -> None:
    note = sign_note(text, keys)
    for given_note in (note, note.encode()):
        opened = open_note(given_note, [key.verifier for key in keys])
        assert (opened.text, opened.unverified) == (text, ())
        assert [(signature.name, signature.key_id) for signature in opened.verified] == [
            (key.name, key.verifier.key_id) for key in keys
        ]
        assert f"{opened.text}\n{''.join(signature.line for signature in opened.verified)}" == note


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    note = sign_note("alice.example/log\n7\nRoot\n", [ALICE])
    for bit in range(len(note.encode()) * 8):
        with pytest.raises(MerkleError):
            open_note(flip(note, bit), [ALICE.verifier])


@settings(deadline=None)
@given(bodies, signers, st.integers(min_value=0))
def test_one_flipped_bit_of_any_note_never_verifies(text: str, signer: Signer, bit: int) -> None:
    with pytest.raises(MerkleError):
        open_note(flip(sign_note(text, [signer]), bit), [signer.verifier])


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_note_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(MerkleError):
        open_note(GO_NOTE[:-cut], [Verifier.parse(NEUMANN_VKEY)])


def test_a_note_without_a_trusted_key_is_refused() -> None:
    note = sign_note("text\n", [BOB])
    for verifiers in ([], [ALICE.verifier]):
        with pytest.raises(MerkleError, match=r"^no trusted key signed the note$"):
            open_note(note, verifiers)


def test_a_wrong_signature_by_a_trusted_key_refuses_even_beside_a_right_one() -> None:
    text = "text\n"
    stolen = ALICE.sign("another\n")
    note = f"{text}\n{BOB.sign(text)}{stolen}"
    with pytest.raises(MerkleError, match=f"^the signature by alice.example/log\\+{ALICE.verifier.key_id} is wrong$"):
        open_note(note, [BOB.verifier, ALICE.verifier])
    assert [signature.name for signature in open_note(note, [BOB.verifier]).verified] == ["bob.example/log"]


@pytest.mark.parametrize("length", [1, 63, 65, 2420])
def test_a_signature_of_another_length_by_a_trusted_key_is_wrong(length: int) -> None:
    line = Signature(ALICE.name, ALICE.verifier.key_id, bytes(length)).line
    with pytest.raises(MerkleError, match=r"is wrong$"):
        open_note(f"text\n\n{line}", [ALICE.verifier])


def test_a_key_that_shares_only_name_or_only_id_with_a_trusted_one_is_unknown() -> None:
    text = "text\n"
    same_name = Signature(ALICE.name, "00000000", b"x").line
    same_id = Signature("carol.example", ALICE.verifier.key_id, b"x").line
    opened = open_note(f"{text}\n{same_name}{same_id}{ALICE.sign(text)}", [ALICE.verifier])
    assert [signature.line for signature in opened.unverified] == [same_name, same_id]
    assert [signature.line for signature in opened.verified] == [ALICE.sign(text)]


def test_repeated_signatures_count_once_and_the_first_of_a_trusted_key_decides() -> None:
    text = "text\n"
    right, wrong = ALICE.sign(text), Signature(ALICE.name, ALICE.verifier.key_id, b"x").line
    opened = open_note(f"{text}\n{BOB.sign(text) * 2}{right}{wrong}{right}", [ALICE.verifier])
    assert [signature.line for signature in opened.verified] == [right]
    assert [signature.line for signature in opened.unverified] == [BOB.sign(text)]
    with pytest.raises(MerkleError, match=r"is wrong$"):
        open_note(f"{text}\n{wrong}{right}", [ALICE.verifier])


def test_a_trusted_key_given_twice_is_one_key_and_two_under_one_id_are_refused() -> None:
    note = sign_note("text\n", [ALICE])
    assert len(open_note(note, [ALICE.verifier, Verifier.parse(ALICE.vkey)]).verified) == 1
    # an id has 32 bits: two keys that share one were found among the first 33,357 numbers
    one, two = (Verifier("log.example", number.to_bytes(32, "big")) for number in (19_719, 33_356))
    assert one.key_id == two.key_id
    with pytest.raises(MerkleError, match=r"^two keys are log.example[+]f9381e5a: which one to trust cannot be told$"):
        open_note(note, [one, two])


def test_signatures_of_types_unknown_to_us_are_kept() -> None:
    text = "text\n"
    post_quantum = Signature("witness.example", "0badcafe", bytes(2420 + 8)).line
    opened = open_note(f"{text}\n{ALICE.sign(text)}{post_quantum}", [ALICE.verifier])
    assert [signature.line for signature in opened.unverified] == [post_quantum]


def test_sixteen_large_signatures_are_read_and_a_hundred_but_no_more() -> None:
    text = "text\n"
    for count, size in ((15, 5000), (99, 64)):
        others = "".join(Signature(f"w{n}", "00000001", bytes(size)).line for n in range(count))
        opened = open_note(f"{text}\n{others}{ALICE.sign(text)}", [ALICE.verifier])
        assert (len(opened.unverified), len(opened.verified)) == (count, 1)
    others = "".join(Signature(f"w{n}", "00000001", bytes(64)).line for n in range(100))
    with pytest.raises(MerkleError, match=r"^the note has 101 signatures; at most 100 are read$"):
        open_note(f"{text}\n{others}{ALICE.sign(text)}", [ALICE.verifier])


def test_a_note_too_large_to_be_one_is_refused_by_its_size() -> None:
    with pytest.raises(MerkleError, match=f"^note has {MAX_NOTE_BYTES + 1} bytes; at most {MAX_NOTE_BYTES} are read$"):
        parse_note(b"x" * (MAX_NOTE_BYTES + 1))


def test_a_text_with_empty_lines_ends_at_the_last_one() -> None:
    text = "one\n\ntwo\n\n\n"
    assert open_note(sign_note(text, [ALICE]), [ALICE.verifier]).text == text


GOOD_LINE = ALICE.sign("text\n").removesuffix("\n")


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (b"", "a note is a text, an empty line and .*"),
        (b"text\n", "a note is a text, an empty line and .*"),
        (b"text\n\n", "a note is a text, an empty line and .*"),
        (f"text\n{GOOD_LINE}\n", "a note is a text, an empty line and .*"),
        (f"text\n\n{GOOD_LINE}", "a note is a text, an empty line and .*"),
        (f"text\n\n{GOOD_LINE}\n\n", "a note is a text, an empty line and .*"),
        (f"text\r\n\r\n{GOOD_LINE}\r\n", "note has the control character 0x0d at byte 4"),
        (f"te\x00xt\n\n{GOOD_LINE}\n", "note has the control character 0x00 at byte 2"),
        (f"te\txt\n\n{GOOD_LINE}\n", "note has the control character 0x09 at byte 2"),
        (b"te\xff\n\n", "note is not UTF-8 at byte 2"),
        (b"te\xed\xa0\x80\n\n", "note is not UTF-8 at byte 2"),
        ("te\ud800\n\n", "note has a lone surrogate at character 2"),
        (f"text\n\n{GOOD_LINE}\nmore\n", "not a line of a signature: 'more'"),
        ("text\n\n- alice.example/log AAAAAAA=\n", "not a line of a signature: .*"),
        ("text\n\n—alice.example/log AAAAAAA=\n", "not a line of a signature: .*"),
        ("text\n\n— alice.example/log\n", "the signature by alice.example/log is too short .*"),
        ("text\n\n— alice.example/log AAAAAA==\n", "the signature by alice.example/log is too short .*"),
        ("text\n\n—  AAAAAAA=\n", "a key's name has no spaces and no plus, and is not empty: ''"),
        ("text\n\n— a+b AAAAAAA=\n", "a key's name has no spaces and no plus, and is not empty: 'a[+]b'"),
        (f"text\n\n{GOOD_LINE} \n", "the signature by alice.example/log is not Base 64: .*"),
        (f"text\n\n{GOOD_LINE.replace('log ', 'log  ')}\n", "the signature by alice.example/log is not Base 64: .*"),
        (f"text\n\n{GOOD_LINE[:-1]}\n", "the signature by alice.example/log is not Base 64: .*"),
        ("text\n\n— a AAAAAAB=\n", "the signature by a is not the canonical Base 64 of its bytes"),
        ("text\n\n— a AAAAAA_=\n", "the signature by a is not Base 64: .*"),
        ("text\n\n— a ÄAAAAAA=\n", "the signature by a is not Base 64: .*"),
    ],
)
def test_what_is_not_spelled_as_a_note_is_refused(note: bytes | str, message: str) -> None:
    with pytest.raises(MerkleError, match=f"^{message}$"):
        open_note(note, [ALICE.verifier])


def test_a_note_without_a_text_but_a_newline_is_one() -> None:
    assert open_note(sign_note("\n", [ALICE]), [ALICE.verifier]).text == "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a note's text ends with a newline"),
        ("text", "a note's text ends with a newline"),
        ("text\r\n", "note text has the control character 0x0d at byte 4"),
        ("\udfff\n", "note text has a lone surrogate at character 0"),
    ],
)
def test_what_cannot_be_a_text_is_not_signed(text: str, message: str) -> None:
    with pytest.raises(MerkleError, match=f"^{message}$"):
        sign_note(text, [ALICE])


def test_a_note_that_nobody_signs_is_none() -> None:
    with pytest.raises(MerkleError, match=r"^a note needs a signer$"):
        sign_note("text\n", [])


def test_parsing_alone_verifies_nothing() -> None:
    wrong = Signature(ALICE.name, ALICE.verifier.key_id, b"x")
    assert parse_note(f"text\n\n{wrong.line}") == Note("text\n", (), (wrong,))


@settings(deadline=None)
@given(st.one_of(st.binary(), bodies.map(lambda text: text + "\n— ")))
def test_anything_that_is_no_note_is_refused_as_such(note: bytes | str) -> None:
    with pytest.raises(MerkleError):
        open_note(note, [ALICE.verifier])


@settings(deadline=None)
@given(st.binary(min_size=5, max_size=80), st.binary(max_size=3))
def test_base_64_around_a_signature_has_one_spelling(raw: bytes, noise: bytes) -> None:
    spelled = base64.b64encode(raw)
    changed = spelled[: len(spelled) // 2] + noise + spelled[len(spelled) // 2 :]
    assume(changed != spelled)
    try:
        signature = parse_note(b"text\n\n\xe2\x80\x94 a " + changed + b"\n").unverified[0]
    except MerkleError:
        return
    assert base64.b64encode(bytes.fromhex(signature.key_id) + signature.raw) == changed


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=70))
def test_any_32_bytes_are_a_public_key_that_verifies_nothing_made_up(key: bytes, signature: bytes) -> None:
    assume(len(signature) != 64)
    assert Verifier("log.example", key).verify("text\n", signature) is False

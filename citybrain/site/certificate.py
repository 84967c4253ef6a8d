"""A certificate of our own making: phones give a page the camera, the place and offline work over HTTPS only.

Browsers warn about it once. A city for real use has a real one.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citybrain.site.postgres import write_secret

LIFE = timedelta(days=397)  # browsers take none that lives longer
RENEW = timedelta(days=30)


def _names(hosts: list[str]) -> list[x509.GeneralName]:
    """Return the hosts as names of a certificate; patterns such as .city.example become wildcards."""
    found: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host.strip("[]"))))
        except ValueError:
            found.append(x509.DNSName(f"*{host}" if host.startswith(".") else host))
    return found


def is_good(certificate: Path, now: datetime) -> bool:
    """Tell whether the certificate is there and lives for another while."""
    if not certificate.is_file():
        return False
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc - now > RENEW


def ensure_local(certificate: Path, key: Path, hosts: list[str], now: datetime | None = None) -> bool:
    """Make a certificate for the hosts where there is none that lives on; tell whether one was made."""
    moment = now or datetime.now(UTC)
    if is_good(certificate, moment) and key.is_file():
        return False
    certificate.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "citybrain")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(minutes=5))
        .not_valid_after(moment + LIFE)
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .sign(secret, hashes.SHA256())
    )
    text = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(key, text.decode().strip())
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return True

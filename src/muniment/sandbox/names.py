# ruff: noqa: RUF001 - names stand in their own scripts
"""What things and people in the sandbox are called: names from many scripts, invented organisations."""

from typing import Final, NamedTuple

__all__ = ["ACCOUNTS", "CLIENTS", "CULTURES", "FEATURES", "LICENCES", "PURPOSES", "SITES", "AccountName", "Culture"]


class Culture(NamedTuple):
    """Names as (native, ASCII), a locale, and an office's offset from UTC in minutes, the same all year."""

    locale: str
    zone_min: int
    phone: str
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]


class AccountName(NamedTuple):
    """An invented customer."""

    name: str
    domain: str
    locale: str
    cultures: tuple[str, ...]
    sign_in: str
    """Its people's usual way in: a resource type of the audit log."""
    user_names: str
    """How it forms user names: ``dotted``, ``email`` or ``native``."""


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Names from ``native=ascii`` words, a dot for a space; one that is ASCII stands for itself."""
    words = (word.partition("=") for word in text.split())
    return tuple((native.replace("·", " "), ascii_name or native) for native, _, ascii_name in words)


CULTURES: Final = {
    "en": Culture(
        "en_US",
        -300,
        "+1 202 555 01",
        _pairs("Jane Marcus Emily Theodore Priscilla Dwayne Zoë=Zoe Walter Imani Scott"),
        _pairs("Doe Whitfield Okafor Brontë=Bronte Castellano McAllister Nakagawa Stone Renée=Renee Vance"),
    ),
    "ga": Culture(
        "en_IE",
        0,
        "+353 20 914 0",
        _pairs("Aoife Pádraig=Padraig Síle=Sile Ciarán=Ciaran Niamh Seán=Sean Gráinne=Grainne Oisín=Oisin"),
        _pairs("O'Connor Ní·Bhriain=NiBhriain Ó·Súilleabháin=OSuilleabhain Byrne Mac·Cárthaigh=MacCarthaigh Walsh"),
    ),
    "de": Culture(
        "de_DE",
        60,
        "+49 30 23125 0",
        _pairs(
            "Jürgen=Juergen Käthe=Kaethe Björn=Bjoern Anneliese Sören=Soeren Jörg=Joerg Ulrike Matthias Gülsüm=Guelsuem"
        ),
        _pairs(
            "Müller=Mueller Groß=Gross Schäfer=Schaefer Weiß=Weiss Königsberger=Koenigsberger Böhm=Boehm Yıldız=Yildiz"
        ),
    ),
    "nb": Culture(
        "nb_NO",
        60,
        "+47 22 00 00 ",
        _pairs("Øyvind=Oeyvind Åse=Aase Håkon=Haakon Ingrid Bjørg=Bjoerg Sæbjørn=Saebjoern Magnus Solveig"),
        _pairs("Bjørnstad=Bjoernstad Ås=Aas Sjøberg=Sjoeberg Hansen Nygård=Nygaard Lærum=Laerum Dahl"),
    ),
    "pl": Culture(
        "pl_PL",
        60,
        "+48 22 390 00 ",
        _pairs("Łukasz=Lukasz Żaneta=Zaneta Paweł=Pawel Małgorzata=Malgorzata Jędrzej=Jedrzej Zofia"),
        _pairs("Wójcik=Wojcik Dąbrowski=Dabrowski Żółć=Zolc Kowalczyk Źrebiec=Zrebiec Piątek=Piatek Łęcka=Lecka"),
    ),
    "fr": Culture(
        "fr_FR",
        60,
        "+33 1 99 00 10 ",
        _pairs(
            "François=Francois Maëlys=Maelys Benoît=Benoit Éloïse=Eloise Théo=Theo Anaïs=Anais Jean-Loup Cécile=Cecile"
        ),
        _pairs("Lefèvre=Lefevre d'Aubigné=dAubigne Bérenger=Berenger Saint-Exupère=Saint-Exupere Œuvrard=Oeuvrard"),
    ),
    "es": Culture(
        "es_MX",
        -360,
        "+52 55 5550 01",
        _pairs("José=Jose Begoña=Begona Íñigo=Inigo Lucía=Lucia Ángel=Angel Ximena Raúl=Raul Socorro"),
        _pairs("Muñoz=Munoz Ibáñez=Ibanez Peña=Pena Gutiérrez=Gutierrez Zúñiga=Zuniga de·la·Cruz=delaCruz Núñez=Nunez"),
    ),
    "pt": Culture(
        "pt_BR",
        -180,
        "+55 21 5550 01",
        _pairs("João=Joao Conceição=Conceicao Tânia=Tania Otávio=Otavio Inês=Ines Antônio=Antonio Luíza=Luiza Caetano"),
        _pairs("Araújo=Araujo Falcão=Falcao Simões=Simoes Gonçalves=Goncalves Brandão=Brandao Vasconcelos"),
    ),
    "ja": Culture(
        "ja_JP",
        540,
        "+81 3 5550 01",
        _pairs("太郎=Taro 花子=Hanako 健一=Kenichi さくら=Sakura 陽翔=Haruto 美咲=Misaki 大輔=Daisuke 結衣=Yui"),
        _pairs("山田=Yamada 佐藤=Sato 鈴木=Suzuki 髙橋=Takahashi 渡邊=Watanabe 小林=Kobayashi 𠮷田=Yoshida 加藤=Kato"),
    ),
    "ko": Culture(
        "ko_KR",
        540,
        "+82 2 555 01",
        _pairs("민준=Minjun 서연=Seoyeon 지훈=Jihoon 하은=Haeun 도윤=Doyun 수빈=Subin"),
        _pairs("김=Kim 이=Lee 박=Park 최=Choi 정=Jung 황보=Hwangbo"),
    ),
    "zh": Culture(
        "zh_CN",
        480,
        "+86 21 5550 01",
        _pairs("伟=Wei 芳=Fang 秀英=Xiuying 磊=Lei 静=Jing 浩然=Haoran 梓涵=Zihan"),
        _pairs("王=Wang 李=Li 张=Zhang 刘=Liu 欧阳=Ouyang 诸葛=Zhuge"),
    ),
    "vi": Culture(
        "vi_VN",
        420,
        "+84 28 5550 01",
        _pairs("Hồng=Hong Đức=Duc Thảo=Thao Quỳnh=Quynh Dũng=Dung Hương=Huong"),
        _pairs("Nguyễn=Nguyen Trần=Tran Lê=Le Phạm=Pham Đặng=Dang Võ=Vo"),
    ),
    "hi": Culture(
        "hi_IN",
        330,
        "+91 11 5550 01",
        _pairs("आरव=Aarav प्रिया=Priya विक्रम=Vikram अनन्या=Ananya राहुल=Rahul कविता=Kavita"),
        _pairs("शर्मा=Sharma पटेल=Patel सिंह=Singh गुप्ता=Gupta चट्टोपाध्याय=Chattopadhyay अय्यर=Iyer"),
    ),
    "uk": Culture(
        "uk_UA",
        120,
        "+380 44 555 01 ",
        _pairs("Олена=Olena Тарас=Taras Юлія=Yuliia Андрій=Andrii Соломія=Solomiia Їржі=Yirzhi"),
        _pairs("Шевченко=Shevchenko Коваленко=Kovalenko Гончар=Honchar Щербак=Shcherbak Ґалаґан=Galagan"),
    ),
    "el": Culture(
        "el_GR",
        120,
        "+30 21 0555 01",
        _pairs("Ελένη=Eleni Γιώργος=Giorgos Σοφία=Sofia Νίκος=Nikos Δέσποινα=Despoina"),
        _pairs("Παπαδόπουλος=Papadopoulos Οικονόμου=Oikonomou Αγγελόπουλος=Angelopoulos Μακρής=Makris"),
    ),
    "ar": Culture(
        "ar_EG",
        120,
        "+20 2 5550 01",
        _pairs("أحمد=Ahmed فاطمة=Fatima يوسف=Youssef نور=Nour خالد=Khaled ليلى=Layla"),
        _pairs("حسن=Hassan منصور=Mansour الشريف=El-Sherif عبد·الله=Abdallah نجيب=Naguib"),
    ),
    "tr": Culture(
        "tr_TR",
        180,
        "+90 212 555 01 ",
        _pairs("Çağla=Cagla İbrahim=Ibrahim Işıl=Isil Şükrü=Sukru Ayşegül=Aysegul Ömer=Omer"),
        _pairs("Yılmaz=Yilmaz Öztürk=Ozturk Şahin=Sahin Kılıç=Kilic Doğan=Dogan"),
    ),
}

ACCOUNTS: Final = (
    AccountName(
        "Nordlicht Energie AG", "nordlicht.example.com", "de_DE", ("de", "nb", "pl", "uk"), "BASIC_AUTH", "dotted"
    ),
    AccountName(
        "Sakura Robotics 株式会社", "sakura.example.net", "ja_JP", ("ja", "ko", "zh", "en"), "SSO_SAML", "native"
    ),
    AccountName(
        "Prairie Health Cooperative",
        "prairie-health.example.org",
        "en_US",
        ("en", "es", "hi", "vi"),
        "SSO_OIDC",
        "email",
    ),
    AccountName(
        "Atlântica Ferroviária S.A.", "atlantica.example.com", "pt_BR", ("pt", "fr", "es"), "CLIENT_AUTH_CERT", "dotted"
    ),
    AccountName("Old Mill Logistics Ltd", "oldmill.example.org", "en_IE", ("ga", "en", "pl"), "BASIC_AUTH", "email"),
    AccountName("Anadolu Çelik A.Ş.", "anadolu.example.net", "tr_TR", ("tr", "el", "ar"), "SSO_SAML", "dotted"),
    AccountName(
        "Ganga Payments Private Limited", "ganga.example.com", "en_IN", ("hi", "vi", "zh"), "BASIC_AUTH", "dotted"
    ),
    AccountName("Banque d'Œuvre & Fils", "oeuvre.example.net", "fr_FR", ("fr", "ar", "pt"), "SSO_OIDC", "native"),
)
"""The first five are always there."""

PURPOSES: Final = (
    ("CI signing", "ci-signing", "Signs release builds with Software Trust."),
    ("Certificate renewals", "renewals", "Renews server certificates through Trust Lifecycle."),
    ("Device enrolment", "enrolment", "Enrols devices on the production line."),
    ("SIEM audit reader", "siem-reader", "Reads the audit log for the security operations centre."),
    ("Document sealing", "sealing", "Seals outgoing invoices."),
    ("Discovery sensor", "sensor", "Reports certificates found in the network."),
    ("Backup export", "backup", ""),
    ("Code scan", "code-scan", "Checks signatures before deployment."),
)
"""What service users are for: title, slug, description."""

SITES: Final = (
    ("Kraków", "krakow"),
    ("Osaka", "osaka"),
    ("São Paulo", "saopaulo"),
    ("Reno", "reno"),
    ("Tromsø", "tromso"),
    ("Pune", "pune"),
    ("Galway", "galway"),
    ("İzmir", "izmir"),
)
LICENCES: Final = ("Trust Lifecycle seats", "Software Trust signatures", "IoT Trust devices", "Document Trust seals")
FEATURES: Final = (
    "Private CA",
    "Certificate discovery",
    "Post-quantum algorithms",
    "Approval workflow",
    "ACME enrolment",
)
CLIENTS: Final = ("Ticket system", "Kiosk display", "Inventory bot", "Mobile approvals")

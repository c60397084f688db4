"""The imaginary shop: its services, their routes in order of popularity, how each behaves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """A route template and how it answers: median latency and size, shares of 4xx and 5xx."""

    method: str
    template: str
    latency_ms: float
    size: int
    client_errors: float = 0.01
    server_errors: float = 0.001
    query: str = ""


@dataclass(frozen=True)
class Service:
    """A service, its share of all requests, and its routes, most popular first."""

    name: str
    share: float
    routes: tuple[Route, ...]


SERVICES = (
    Service(
        "storefront",
        0.30,
        (
            Route("GET", "/products/{id}", 62, 24_000, 0.015, 0.001),
            Route("GET", "/", 38, 18_500, 0.001, 0.0005, "utm_source={word}"),
            Route("GET", "/categories/{word}", 85, 31_000, 0.008, 0.001, "page={n}"),
            Route("GET", "/cart", 45, 6_200, 0.010, 0.001),
            Route("POST", "/cart/items", 70, 900, 0.030, 0.002),
            Route("GET", "/products/{id}/reviews", 110, 12_000, 0.010, 0.003, "page={n}"),
        ),
    ),
    Service(
        "search",
        0.20,
        (
            Route("GET", "/api/suggest", 18, 1_100, 0.002, 0.001, "q={word}"),
            Route("GET", "/api/search", 145, 14_000, 0.004, 0.003, "q={word}&page={n}"),
            Route("GET", "/api/facets", 52, 3_800, 0.003, 0.001, "category={word}"),
            Route("GET", "/api/similar/{id}", 96, 5_400, 0.012, 0.002),
        ),
    ),
    Service(
        "media",
        0.20,
        (
            Route("GET", "/images/{id}.jpg", 9, 78_000, 0.008, 0.0003, "w={n}00"),
            Route("GET", "/static/{word}.js", 5, 142_000, 0.002, 0.0002, "v={n}"),
            Route("GET", "/avatars/{id}", 7, 9_500, 0.020, 0.0003),
            Route("GET", "/videos/{id}", 34, 1_900_000, 0.010, 0.002),
            Route("POST", "/uploads", 420, 350, 0.040, 0.004),
        ),
    ),
    Service(
        "accounts",
        0.13,
        (
            Route("POST", "/api/token/refresh", 22, 1_300, 0.020, 0.0005),
            Route("GET", "/api/users/{id}", 28, 2_100, 0.012, 0.001),
            Route("POST", "/api/login", 130, 1_400, 0.060, 0.001),
            Route("PUT", "/api/users/{id}", 65, 700, 0.025, 0.002),
            Route("POST", "/api/logout", 15, 120, 0.005, 0.0005),
            Route("POST", "/api/password-reset", 90, 240, 0.080, 0.001),
        ),
    ),
    Service(
        "orders",
        0.11,
        (
            Route("GET", "/api/orders", 75, 8_800, 0.006, 0.002, "page={n}"),
            Route("GET", "/api/orders/{id}", 48, 3_200, 0.015, 0.001),
            Route("POST", "/api/orders", 210, 1_500, 0.035, 0.004),
            Route("GET", "/api/orders/{id}/tracking", 160, 1_800, 0.010, 0.005),
            Route("POST", "/api/orders/{id}/refunds", 240, 600, 0.050, 0.003),
        ),
    ),
    Service(
        "payments",
        0.06,
        (
            Route("POST", "/api/payments", 310, 1_100, 0.045, 0.005),
            Route("GET", "/api/payments/{id}", 55, 1_600, 0.010, 0.001),
            Route("POST", "/api/payments/{id}/capture", 380, 500, 0.020, 0.006),
            Route("POST", "/api/webhooks/{word}", 40, 80, 0.015, 0.002),
        ),
    ),
)

WORDS = (
    "boots",
    "camera",
    "chair",
    "coffee",
    "desk",
    "garden",
    "gloves",
    "guitar",
    "headphones",
    "jacket",
    "kettle",
    "lamp",
    "laptop",
    "monitor",
    "notebook",
    "phone",
    "running",
    "sale",
    "socks",
    "speaker",
    "tent",
    "toys",
    "vinyl",
    "watch",
    "winter",
)

CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
)

TOOLS = (
    "curl/8.7.1",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "PostmanRuntime/7.43.0",
    "Apache-HttpClient/5.3.1 (Java/17.0.12)",
    "Wget/1.24.5",
)

# {v} is a current version; the rest of the browsers come from Faker
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.{v} Safari/605.1.15",
)

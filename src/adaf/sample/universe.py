"""The assets: names and categories are known ones; prices, volumes and everything else are invented."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

_LISTING = """
BTC Bitcoin|Payments|61000 ETH Ethereum|Layer_1|2900 SOL Solana|Layer_1|148 BNB BNB|Exchange|560
XRP XRP|Payments|0.58 ADA Cardano|Layer_1|0.41 AVAX Avalanche|Layer_1|27
LINK Chainlink|Infrastructure|12.4 DOT Polkadot|Infrastructure|4.6 UNI Uniswap|DeFi|7.1
LTC Litecoin|Payments|68 BCH Bitcoin_Cash|Payments|345 NEAR NEAR_Protocol|Layer_1|4.3
ATOM Cosmos|Infrastructure|4.9 AAVE Aave|DeFi|142 ARB Arbitrum|Layer_2|0.62 OP Optimism|Layer_2|1.7
POL Polygon|Layer_2|0.44 MKR Maker|DeFi|1580 FIL Filecoin|Infrastructure|3.9 XLM Stellar|Payments|0.096
ALGO Algorand|Layer_1|0.14 APT Aptos|Layer_1|7.6 SUI Sui|Layer_1|1.5 INJ Injective|DeFi|21
TIA Celestia|Infrastructure|5.6 SEI Sei|Layer_1|0.43 STX Stacks|Layer_2|1.8 IMX Immutable|Gaming|1.4
GRT The_Graph|Infrastructure|0.17 LDO Lido|DeFi|1.1 CRV Curve|DeFi|0.29 SNX Synthetix|DeFi|1.5
COMP Compound|DeFi|46 RUNE THORChain|DeFi|4.8 AXS Axie_Infinity|Gaming|5.1 SAND The_Sandbox|Gaming|0.27
MANA Decentraland|Gaming|0.29 GALA Gala|Gaming|0.061 ENJ Enjin|Gaming|0.15 OKB OKB|Exchange|41
CRO Cronos|Exchange|0.088 GT GateToken|Exchange|8.3 KCS KuCoin_Token|Exchange|8.9
LEO UNUS_SED_LEO|Exchange|5.8 XMR Monero|Payments|165 DASH Dash|Payments|26 ZEC Zcash|Payments|33
XTZ Tezos|Layer_1|0.68 EOS EOS|Layer_1|0.5 HBAR Hedera|Layer_1|0.058 VET VeChain|Infrastructure|0.06
ICP Internet_Computer|Infrastructure|8.1 TON Toncoin|Layer_1|5.4 TRX TRON|Layer_1|0.15
EGLD MultiversX|Layer_1|26 FLOW Flow|Layer_1|0.55 KAVA Kava|DeFi|0.33 MINA Mina|Layer_1|0.45
ROSE Oasis|Layer_1|0.07 ZIL Zilliqa|Layer_1|0.06 QTUM Qtum|Layer_1|2.4 NEO NEO|Layer_1|10.2
IOTA IOTA|Infrastructure|0.13 KSM Kusama|Infrastructure|18.5 THETA Theta|Infrastructure|1.3
AR Arweave|Infrastructure|19 RNDR Render|Infrastructure|5.2 OCEAN Ocean|Infrastructure|0.5
FET Fetch|Infrastructure|1.4 BAT Basic_Attention|Infrastructure|0.17 ZRX 0x|DeFi|0.31
SUSHI SushiSwap|DeFi|0.68 BAL Balancer|DeFi|1.9 YFI yearn|DeFi|4900 DYDX dYdX|DeFi|0.95 GMX GMX|DeFi|23
PENDLE Pendle|DeFi|3.9 JUP Jupiter|DeFi|0.8 PYTH Pyth|Infrastructure|0.33 STRK Starknet|Layer_2|0.39
METIS Metis|Layer_2|34 MNT Mantle|Layer_2|0.58 LRC Loopring|Layer_2|0.14 SKL SKALE|Layer_2|0.051
CELO Celo|Payments|0.5 XNO Nano|Payments|0.9 DCR Decred|Payments|12.5 RVN Ravencoin|Payments|0.08
DGB DigiByte|Payments|0.09 ILV Illuvium|Gaming|42 MAGIC Treasure|Gaming|0.35 YGG Yield_Guild|Gaming|0.43
PRIME Echelon_Prime|Gaming|7.8 BEAM Beam|Gaming|0.055 CHZ Chiliz|Gaming|0.062 APE ApeCoin|Gaming|0.74
HT Huobi_Token|Exchange|0.42 NEXO Nexo|Exchange|1.0 BGB Bitget_Token|Exchange|1.1
"""


class Asset(msgspec.Struct, frozen=True):
    """One asset; `first_price` in USD. Prices have `price_decimals` places, quantities 8 − that: their
    product is exact in 64-bit integers of 1e-8 USD."""

    id: int
    symbol: str
    name: str
    category: str
    first_price: float
    price_decimals: int


def _listing() -> list[tuple[str, str, str, float]]:
    entries = []
    for line in _LISTING.split("\n"):
        words = line.split()
        for symbol, rest in zip(words[::2], words[1::2], strict=True):
            name, category, price = rest.split("|")
            entries.append((symbol, name.replace("_", " "), category.replace("_", " "), float(price)))
    return entries


def assets(count: int) -> list[Asset]:
    """The first `count` assets, most traded first. Raises ValueError beyond the list."""
    listing = _listing()
    if count > len(listing):
        raise ValueError(f"only {len(listing)} assets are known")
    return [
        Asset(number, symbol, name, category, price, price_decimals(price))
        for number, (symbol, name, category, price) in enumerate(listing[:count], start=1)
    ]


def price_decimals(price: float) -> int:
    """Decimal places of a price: about six significant digits, as exchanges quote."""
    return int(np.clip(5 - np.floor(np.log10(price)), 2, 6))


def categories(universe: list[Asset]) -> list[str]:
    return sorted({asset.category for asset in universe})


def category_codes(universe: list[Asset]) -> npt.NDArray[np.int64]:
    names = categories(universe)
    return np.array([names.index(asset.category) for asset in universe])

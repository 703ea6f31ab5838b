"""The four validators of addresses, and the five helpers of all."""

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from services.database import Document
from services.validation.address import AddressValidator
from services.validation.values import ValidationUtils
from tests.validating import (
    ACCEPTED,
    none_accepted,
    says,
)


class TestAddressValidator:
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("9876543210", ACCEPTED), ("+91 98765 43210", ACCEPTED), ("098765-43210", ACCEPTED), (9876543210, ACCEPTED),
            ("91-9876543210", ACCEPTED), ("९८७६५४३२१०", "phone-digits"), ("080-2345 6789", "phone-not-mobile"),
            ("+1 202 555 0147", "phone-foreign"), ("+44 7911 123456", "phone-foreign"), ("", "phone-missing"),
            (None, "phone-missing"), (True, "phone-missing"), ("12345", "phone-invalid"),
            ("0000000000", "phone-invalid"),
            ("9876543210 or 9876543211", "phone-invalid"), ("98765432101", "phone-invalid"),
            ("tel:9876543210;ext=5", "phone-invalid"),
        ],
    )  # fmt: skip
    async def test_phone(self, value: object, code: str) -> None:
        assert says(await AddressValidator().phone(value)) == code

    async def test_phone_takes_nothing_hostile(self) -> None:
        await none_accepted(AddressValidator().phone)

    @given(st.integers(6_000_000_000, 9_999_999_999), st.sampled_from(["{}", "+91{}", "0{}", "+91 {}", "91{}"]))
    async def test_a_phone_is_judged_alike_in_every_writing(self, number: int, form: str) -> None:
        plain = await AddressValidator().phone(str(number))
        assert (await AddressValidator().phone(form.format(number))).code == plain.code

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("asha.rao+milk@example.in", ACCEPTED), (" asha@example.in ", ACCEPTED), ("अ@उदाहरण.भारत", ACCEPTED),
            ("", "email-missing"), (None, "email-missing"), (5, "email-missing"), ("asha", "email-invalid"),
            ("asha@", "email-invalid"), ("a@b@example.in", "email-invalid"), ("asha@localhost", "email-invalid"),
            ("a\x00@example.in", "email-invalid"), ("asha..rao@example.in", "email-invalid"),
            ("a@example.in\nBcc: b@example.in", "email-invalid"),
            pytest.param("x" * 250 + "@example.in", "email-invalid", id="long"),
        ],
    )  # fmt: skip
    async def test_email(self, value: object, code: str) -> None:
        assert says(await AddressValidator().email(value)) == code

    async def test_email_takes_nothing_hostile(self) -> None:
        await none_accepted(AddressValidator().email)

    @pytest.mark.parametrize(
        ("fields", "code", "told"),
        [
            ({}, ACCEPTED, "Karnataka"), ({"pincode": "560 038"}, ACCEPTED, "Karnataka"),
            ({"pincode": 560038}, ACCEPTED, "Karnataka"), ({"pincode": "110001"}, ACCEPTED, "Delhi"),
            ({"pincode": "682555"}, ACCEPTED, "Lakshadweep"), ({"pincode": "900056"}, ACCEPTED, "Army"),
            ({"state": " karnataka "}, ACCEPTED, "Karnataka"), ({"state": "KA"}, ACCEPTED, "Karnataka"),
            ({"state": "Goa"}, "pincode-elsewhere", "Goa"), ({"pincode": "540001"}, "pincode-unknown", "54"),
            ({"pincode": "060038"}, "pincode-malformed", "not 0"), ({"pincode": "56003"}, "pincode-malformed", "six"),
            ({"pincode": "5600388"}, "pincode-malformed", "six"), ({"pincode": "56003x"}, "pincode-malformed", "six"),
            ({"pincode": "५६००३८"}, "pincode-malformed", "six"), ({"pincode": "560038\n1"}, "pincode-malformed", "six"),
            ({"pincode": 560038.0}, "pincode-malformed", "six"), ({"pincode": None}, "address-incomplete", "pincode"),
            ({"city": " "}, "address-incomplete", "city"),
            ({"address_line1": {"$ne": 1}, "city": None}, "address-incomplete", "address_line1, city"),
        ],
    )  # fmt: skip
    async def test_pincode(self, fields: Document, code: str, told: str) -> None:
        address = {"address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560038", **fields}
        result = await AddressValidator().pincode(address)
        assert says(result) == code
        assert told in result.message

    async def test_pincode_takes_nothing_hostile(self) -> None:
        address = {"address_line1": "12", "city": "Bengaluru"}
        await none_accepted(lambda value: AddressValidator().pincode({**address, "pincode": value}))

    async def test_every_circle_begins_where_india_post_says(self) -> None:
        firsts = {
            "Delhi": "11", "Haryana": "12 13", "Chandigarh": "14 15 16", "Himachal": "17", "Kashmir": "18 19",
            "Uttarakhand": "20 24 28", "Rajasthan": "30 34", "Gujarat": "36 39", "Goa": "40 44", "Madhya": "45 48",
            "Chhattisgarh": "49", "Telangana": "50", "Andhra": "51 53", "Karnataka": "56 59", "Tamil": "60 64",
            "Kerala": "67 69", "West Bengal": "70 74", "Odisha": "75 77", "Assam": "78", "North East": "79",
            "Jharkhand": "80 85", "Army": "90 99", "No postal circle": "29 35 54 55 86 89",
        }  # fmt: skip
        for circle, beginnings in firsts.items():
            for first in beginnings.split():
                address = {"address_line1": "1", "city": "B", "pincode": f"{first}0001"}
                assert circle in (await AddressValidator().pincode(address)).message

    @given(st.integers(0, 9_999_999))
    async def test_a_pincode_is_six_digits_of_which_the_first_is_not_0(self, number: int) -> None:
        result = await AddressValidator().pincode({"address_line1": "1", "city": "B", "pincode": str(number)})
        assert result.ok == (100_000 <= number <= 999_999)

    @pytest.mark.parametrize(
        ("latitude", "longitude", "code"),
        [
            (12.97, 77.64, ACCEPTED), (Decimal128("12.97"), 77, ACCEPTED), (8.08, 77.55, ACCEPTED),
            (77.64, 12.97, "coordinates-swapped"), (95.3, 27.5, "coordinates-swapped"),
            (0, -0.0, "coordinates-abroad"), (51.5, -0.12, "coordinates-abroad"), (-12.97, 77.64, "coordinates-abroad"),
            (90.1, 0, "coordinates-impossible"), (12.97, 180.5, "coordinates-impossible"),
            (10**30, 77, "coordinates-impossible"), ("12.97", "77.64", "coordinates-unreadable"),
            (True, 77.64, "coordinates-unreadable"), (12.97, None, "coordinates-unreadable"),
            (float("nan"), 77.64, "coordinates-unreadable"), (1e309, 77.64, "coordinates-unreadable"),
        ],
    )  # fmt: skip
    async def test_coordinates(self, latitude: object, longitude: object, code: str) -> None:
        assert says(await AddressValidator().coordinates(latitude, longitude)) == code

    async def test_coordinates_take_nothing_hostile(self) -> None:
        await none_accepted(lambda value: AddressValidator().coordinates(12.97, value), -0.0, -1)

    @given(st.floats(-90, 90), st.floats(-180, 180))
    async def test_coordinates_and_the_swapped_ones_are_never_both_in_order(self, north: float, east: float) -> None:
        one = await AddressValidator().coordinates(north, east)
        other = await AddressValidator().coordinates(east, north)
        assert one.ok
        assert not (one.code is None and other.code is None)
        assert one.code is not None or other.code == "coordinates-swapped"


NUMBERS = [0, -0.0, 0.0001, 1, 50.5, 100, 100.01, -0.01, -5, Decimal("7.5"), Decimal128("99.99"), 10**30, -(10**30)]
NO_NUMBERS: list[Any] = [None, True, "5", "", float("nan"), 1e309, Decimal("NaN"), Decimal128("Infinity"), {}, [], b"5"]


class TestValidationUtils:
    @pytest.mark.parametrize("value", NUMBERS)
    async def test_numbers_are_judged_by_their_range(self, value: Any) -> None:
        number = float(value.to_decimal() if isinstance(value, Decimal128) else value)
        assert (await ValidationUtils.percentage("share", value)).ok == (0 <= number <= 100)
        assert (await ValidationUtils.positive_number("price", value)).ok == (number > 0)
        assert (await ValidationUtils.non_negative_number("price", value)).ok == (number >= 0)

    @pytest.mark.parametrize("value", NO_NUMBERS)
    async def test_what_is_no_number_is_refused(self, value: object) -> None:
        assert says(await ValidationUtils.percentage("share", value)) == "not-a-percentage"
        assert says(await ValidationUtils.positive_number("price", value)) == "not-positive"
        assert says(await ValidationUtils.non_negative_number("price", value)) == "negative"

    @given(st.floats() | st.integers())
    async def test_percentages_are_non_negative_and_positive_ones_too(self, value: float) -> None:
        percentage = await ValidationUtils.percentage("share", value)
        positive = await ValidationUtils.positive_number("share", value)
        assert (await ValidationUtils.non_negative_number("share", value)).ok or not (percentage.ok or positive.ok)
        assert percentage.ok == (0 <= value <= 100)

    @pytest.mark.parametrize(
        ("value", "code"),
        [("ab", ACCEPTED), (" abc ", ACCEPTED), ("అమ్మ", ACCEPTED), ("a", "too-short"), ("   ", "too-short"),
         ("abcdef", "too-long"), pytest.param("x" * 10_000, "too-long", id="long"),
         (None, "not-text"), (55, "not-text"), (["ab"], "not-text")],
    )  # fmt: skip
    async def test_string_length(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.string_length("name", value, 2, 5)) == code

    @given(st.text(max_size=12), st.integers(0, 6), st.integers(0, 6))
    async def test_a_text_fits_where_its_length_does(self, words: str, shortest: int, more: int) -> None:
        result = await ValidationUtils.string_length("name", words, shortest, shortest + more)
        assert result.ok == (shortest <= len(words.strip()) <= shortest + more)

    @pytest.mark.parametrize(
        ("value", "code"),
        [("OPEN", ACCEPTED), ("in progress", ACCEPTED), ("In-Progress", ACCEPTED), ("shut", "unknown-value"),
         ("", "unknown-value"), (None, "unknown-value"), (True, "unknown-value"), ({"$ne": "OPEN"}, "unknown-value"),
         (".*", "unknown-value")],
    )  # fmt: skip
    async def test_enum_value(self, value: object, code: str) -> None:
        assert says(await ValidationUtils.enum_value("state", value, ("OPEN", "IN_PROGRESS"))) == code

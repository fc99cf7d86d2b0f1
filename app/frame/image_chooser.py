"""Image chooser: which image a vision transformer reads, a digit by its number or a picture from the browser."""

import numpy as np
import streamlit as st

from headscope.app.serving.address import lasting_address_value, write_lasting
from headscope.app.serving.image_names import INVERTED, is_digit
from headscope.app.serving.kept.pictures import keep_picture, kept_picture
from headscope.app.serving.refusals import refusals_in_place
from headscope.interp.reading.pictures import DIGITS, is_held_out
from headscope.models.data.images.digits import all_digits
from headscope.models.io.foreign_input import foreign_input

IMAGE, NUMBER, INK = "image", "image_number", "inverted"
PICTURE, SENT = "picture", "picture_sent"
FIRST = "0"


def image_chooser() -> str:
    """Draw the boxes of the sidebar; the name of the image stands in the address."""
    st.header("Image", anchor=False)
    name = lasting_address_value(IMAGE) or FIRST
    if is_digit(name) and int(name) >= DIGITS:
        name = str(DIGITS - 1)
    st.session_state[NUMBER] = int(name) if is_digit(name) else None
    st.number_input(
        f"Handwritten digit, 0 to {DIGITS - 1}",
        min_value=0,
        max_value=DIGITS - 1,
        key=NUMBER,
        on_change=write_number,
        placeholder="a picture is shown",
    )
    if is_digit(name):
        part = "held out of training" if is_held_out(int(name)) else "part of the training set"
        st.caption(f"One of scikit-learn's handwritten digits; this one is {part}.")
    name = sent_picture() or name
    if not is_digit(name):
        st.session_state[INK] = name.endswith(INVERTED)
        st.toggle("Black is ink", key=INK, on_change=invert)
    preview(name)
    if name != lasting_address_value(IMAGE):
        write_lasting(**{IMAGE: name})
    return name


def preview(name: str) -> None:
    """The image, small."""
    if is_digit(name):
        pixels = (all_digits().images[int(name), 0].numpy() + 1) / 2
        st.image(np.kron(pixels, np.ones((12, 12))), width=96)
    else:
        with refusals_in_place("This picture cannot be shown"):
            file = kept_picture(name.removesuffix(INVERTED))
            with foreign_input("the kept picture cannot be decoded", advice="send it again"):
                st.image(file.read_bytes(), width=96)


def write_number() -> None:
    """The number that was typed becomes the image."""
    if (number := st.session_state[NUMBER]) is not None:
        write_lasting(**{IMAGE: str(number)})


def invert() -> None:
    """The picture that is shown with black for white, or back; a digit is not inverted."""
    plain = lasting_address_value(IMAGE).removesuffix(INVERTED)
    if not is_digit(plain):
        write_lasting(**{IMAGE: plain + INVERTED if st.session_state[INK] else plain})


def sent_picture() -> str:
    """The name of a picture that was sent just now; empty where none was."""
    file = st.file_uploader("or a picture of your own", type=["png", "jpg", "jpeg"], key=PICTURE)
    if file is None or st.session_state.get(SENT) == file.file_id:
        return ""
    st.session_state[SENT] = file.file_id
    with refusals_in_place("This picture cannot be read"):
        return keep_picture(file.getvalue())
    return ""

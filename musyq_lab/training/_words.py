"""What the check of an exercise says, once, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from musyq_lab.figures.words import LANGUAGES, check_language

Text: TypeAlias = str | Mapping[str, str]
"""Words in English, or one text a language."""


def word(text: Text, language: str = "en") -> str:
    """Return a text in a language, in English where it is not translated."""
    check_language(language)
    if isinstance(text, str):
        return text
    return text.get(language) or text["en"]


def say(key: str, language: str = "en", **values: object) -> str:
    """Return a sentence of the table with its placeholders filled."""
    return WORDS[key][LANGUAGES.index(check_language(language))].format(**values)


# English first, Chinese second.
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "right": ("right", "正确"),
        "not_yet": ("not yet", "还不对"),
        "hint": ("Hint", "提示"),
        "next": ("Next", "下一步"),
        # a number
        "number_right": (
            "{answer} {units}; the truth is {truth} {units}, and {allowed} {units} of difference are allowed.",
            "你的答案是 {answer} {units}，真值为 {truth} {units}，允许相差 {allowed} {units}。",
        ),
        "too_high": (
            "your answer is about {distance} {units} too high; {allowed} {units} are allowed.",
            "答案约偏高 {distance} {units}，允许相差 {allowed} {units}。",
        ),
        "too_low": (
            "your answer is about {distance} {units} too low; {allowed} {units} are allowed.",
            "答案约偏低 {distance} {units}，允许相差 {allowed} {units}。",
        ),
        # arrays
        "array_right": (
            "{share} of {cells} cells lie within {allowed} of the truth (rms error {rms} {units}, "
            "bias {bias} {units}).",
            "{cells} 个像元中有 {share} 与真值之差不超过 {allowed}（均方根误差 {rms} {units}，偏差 {bias} {units}）。",
        ),
        "array_wrong": (
            "{share} of {cells} cells lie within {allowed} of the truth, {wanted} are wanted; the rms error is {rms} "
            "{units}, the bias {bias} {units}.",
            "{cells} 个像元中只有 {share} 与真值之差不超过 {allowed}，要求达到 {wanted}；"
            "均方根误差 {rms} {units}，偏差 {bias} {units}。",
        ),
        "within": ("{allowed} {units}", "{allowed} {units}"),
        "in_layer": ("in {name}, {text}", "{name}：{text}"),
        "few_cells": (
            "your answer has a value in {share} of the cells where the truth has one, {wanted} are wanted.",
            "有真值的像元中，你的答案只在 {share} 有值，要求达到 {wanted}。",
        ),
        "no_cells": (
            "your answer has no value in any cell (NaN everywhere).",
            "你的答案在所有像元上都没有值（全部为 NaN）。",
        ),
        # choices
        "choice_right": ("{answer} it is.", "就是 {answer}。"),
        "choice_wrong": ("it is not {answer}.", "不是 {answer}。"),
        "no_option": (
            "{answer} is none of the candidates: {options}.",
            "{answer} 不在候选项之中：{options}。",
        ),
        "set_right": ("all {count} are there, and no other.", "{count} 项全部正确，没有多余的。"),
        "set_wrong": (
            "{right} of {count} are there, {extra} in your answer do not belong.",
            "{count} 项中答对 {right} 项，你的答案中有 {extra} 项不属于。",
        ),
        # answers that cannot be judged
        "none": (
            "there is no answer yet: None was given. Put your answer in its place.",
            "还没有答案：给出的是 None，请填入你的答案。",
        ),
        "not_computed": (
            "your answer could not be computed: {error}",
            "无法计算你的答案：{error}",
        ),
        "too_large": (
            "your answer would take {size} of memory, more than is needed here. Keep to the cells of the notebook.",
            "你的答案需要 {size} 内存，超出了需要。请只保留本笔记本的像元。",
        ),
        "nan": (
            "your answer is not a number (NaN). A cell without a value went into it, or a division by zero: leave such "
            "cells out, as .mean() of xarray does.",
            "你的答案不是数（NaN）：计算中包含了没有值的像元，或者除以了零。"
            "请先去掉这些像元，xarray 的 .mean() 会自动跳过它们。",
        ),
        "infinite": (
            "your answer is infinite: something was divided by zero.",
            "你的答案是无穷大：某处除以了零。",
        ),
        "type_number": (
            "one number is wanted, such as 12.5, and this is {what}.",
            "需要一个数，例如 12.5，而给出的是{what}。",
        ),
        "type_array": (
            "an array is wanted, such as an xarray.DataArray with the cells of the notebook, and this is {what}.",
            "需要一个数组，例如与本笔记本像元相同的 xarray.DataArray，而给出的是{what}。",
        ),
        "type_choice": (
            "one of the candidates is wanted, and this is {what}.",
            "需要从候选项中选一项，而给出的是{what}。",
        ),
        "type_set": (
            "several of the candidates are wanted, as a set or list, and this is {what}.",
            "需要用集合或列表给出若干候选项，而给出的是{what}。",
        ),
        "shape": (
            "your answer has {given}, the truth has {wanted}. Keep to the cells of the notebook.",
            "你的答案是 {given}，真值是 {wanted}。请保持与本笔记本相同的像元。",
        ),
        "other_grid": (
            "your answer lies on other cells: its {dim} runs from {first} to {last}, that of the truth from {from_} "
            "to {to}.",
            "你的答案位于不同的像元上：它的 {dim} 从 {first} 到 {last}，真值从 {from_} 到 {to}。",
        ),
        "no_layer": (
            "your answer lacks {name}. It must hold {names}.",
            "你的答案缺少 {name}，应包含 {names}。",
        ),
        "wrong_units": (
            "your answer is in {given}, which cannot be turned into {units}.",
            "你的答案单位是 {given}，无法换算为 {units}。",
        ),
        # what kind of thing was given
        "a_text": ("a text", "文本"),
        "a_truth_value": ("True or False", "真假值"),
        "a_complex": ("a complex number", "复数"),
        "an_array": ("an array of shape {shape}", "形状为 {shape} 的数组"),
        "a_dataset": ("a Dataset with {names}", "包含 {names} 的 Dataset"),
        "no_numbers": ("an array without numbers ({dtype})", "不含数值的数组（{dtype}）"),
        "a_function": ("a function; call it, with ()", "函数；请加 () 调用"),
        "a_thing": ("a {type}", "{type} 类型的对象"),
        # mistakes that every exercise knows
        "stored": (
            "This is too large by a power of ten: such numbers are stored in files. Multiply by the scale factor "
            "of the file's attributes.",
            "大了 10 的若干次方倍，像是文件中存储的整数值。请乘以文件属性中的比例因子。",
        ),
        "scaled_twice": (
            "This is too small by a power of ten: a scale factor was applied once too often.",
            "小了 10 的若干次方倍：比例因子多乘了一次。",
        ),
        "thousand": (
            "This is off by a factor of 1000: look at the prefix of the unit (g and kg, m and km).",
            "相差 1000 倍：请检查单位的词头（g 与 kg，m 与 km）。",
        ),
        "per_cent": (
            "This is off by a factor of 100: per cent and shares of 1 were mixed up.",
            "相差 100 倍：混淆了百分数与 0 到 1 的比例。",
        ),
        "celsius": (
            "This is off by 273.15: kelvin and degrees Celsius were mixed up.",
            "相差 273.15：混淆了开尔文与摄氏度。",
        ),
        "sign": (
            "The sign is the other way round: look at which is taken from which.",
            "符号反了：请检查谁减谁。",
        ),
        "radians": (
            "Degrees and radians were mixed up: numpy's functions take radians.",
            "混淆了角度与弧度：numpy 的函数使用弧度。",
        ),
        "complement": (
            "This is one less the answer: the rest was counted in place of the part.",
            "这是 1 减去正确答案：算成了剩余的部分。",
        ),
        "offset": (
            "All cells are off by nearly the same: an offset is missing, or was added twice.",
            "所有像元几乎相差同一个数：漏加了偏移量，或者加了两次。",
        ),
        "flipped": (
            "The picture stands on its head or is mirrored: look at the order of rows and columns.",
            "图像上下或左右颠倒了：请检查行和列的顺序。",
        ),
        "hidden": (
            "There are values where nothing was seen, such as under clouds: leave these cells out first.",
            "在没有观测到的地方（例如云下）也有值：请先去掉这些像元。",
        ),
        "swapped": (
            "{name} looks like the truth of {other}: were two layers swapped?",
            "{name} 看起来像 {other} 的真值：是不是把两个图层弄反了？",
        ),
    }
)

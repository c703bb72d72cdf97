"""Writes what the `tokenizers` library makes of texts, for tests/unit/package/tokenizer.test.ts.

    python -m pip install tokenizers==0.22.1
    python tests/support/tokenizers_golden.py > tests/unit/package/tokenizer.golden.json

Three tokenisers of the kinds that policies come with, trained on the few sentences below: byte-level BPE (SmolVLM),
BPE on pieces with bytes to fall back to (PaliGemma), and WordPiece.
"""

import json

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "pick up the red cube and place it in the bowl",
    "open the top drawer of the cabinet",
    "stack the green cube on the red cube\n",
    "Task: press the button, State: 12 128 255;\nAction: ",
]
TEXTS = [*CORPUS, "", " ", "Zündhölzer über 3 Würfel 🤖", "a_b\tc  d", "the " * 40]


def template(first, last, tokenizer):
    pair = [(token, tokenizer.token_to_id(token)) for token in (first, last) if token]
    single = " ".join([*([first] if first else []), "$A", *([last] if last else [])])
    return processors.TemplateProcessing(single=single, special_tokens=pair)


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = template("<s>", "</s>", tokenizer)
    return tokenizer


def pieces():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{i:02X}>" for i in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = template("<bos>", None, tokenizer)
    return tokenizer


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = template("[CLS]", "[SEP]", tokenizer)
    return tokenizer


def encode(tokenizer, pad, text, how):
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if how["truncation"]:
        tokenizer.enable_truncation(how["max_length"])
    if how["padding"]:
        tokenizer.enable_padding(
            direction=how["padding_side"],
            length=how["max_length"],
            pad_token=pad,
            pad_id=tokenizer.token_to_id(pad),
        )
    encoding = tokenizer.encode(text)
    return {"text": text, **how, "ids": encoding.ids, "mask": encoding.attention_mask}


def main():
    kinds = [("byte_level", byte_level(), "<pad>"), ("pieces", pieces(), "<pad>")]
    kinds.append(("word_piece", word_piece(), "[PAD]"))
    print(f'{{"tokenizers": "{tokenizers.__version__}",\n"kinds": [')
    for i, (name, tokenizer, pad) in enumerate(kinds):
        definition = json.loads(tokenizer.to_str())
        cases = [
            encode(tokenizer, pad, text, how)
            for text in TEXTS
            for how in (
                {"max_length": 200, "padding": False, "padding_side": "right", "truncation": True},
                {"max_length": 12, "padding": True, "padding_side": "right", "truncation": True},
                {"max_length": 48, "padding": True, "padding_side": "left", "truncation": True},
            )
        ]
        comma = "," if i < len(kinds) - 1 else ""
        print(json.dumps({"name": name, "pad": pad, "definition": definition, "cases": cases}) + comma)
    print("]}")


main()

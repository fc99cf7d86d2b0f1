"""Tiny configs: a config of any family of transformers whose model has a few thousand numbers."""

from transformers import CONFIG_MAPPING, PreTrainedConfig

from headscope.models.io.fields import Fields

BLOCKS: Fields = {
    **dict.fromkeys(("num_hidden_layers", "n_layer", "num_layers", "decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "num_heads", "decoder_attention_heads"), 4),
    "num_key_value_heads": 2,
}
WIDTHS: Fields = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "embed_dim", "embedding_size", "emb_dim"), 32),
    **dict.fromkeys(("word_embed_proj_dim",), 32),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "decoder_ffn_dim", "n_inner", "d_ff", "ffn_hidden_size"), 48),
    "hidden_dim": 48,
    **dict.fromkeys(("head_dim", "d_kv", "attention_head_dim", "v_head_dim", "rotary_dim"), 8),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "linear_key_head_dim", "linear_value_head_dim"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "qk_head_dim"), 16),
}
EXPERTS: Fields = {
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_top_k"), 2),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size", "expert_ffn_hidden_size"), 16),
    **dict.fromkeys(("n_group", "topk_group", "first_k_dense_replace", "n_shared_experts", "num_shared_experts"), 1),
}
TOKENS: Fields = {
    "vocab_size": 99,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    **dict.fromkeys(("max_position_embeddings", "n_positions"), 64),
    "sliding_window": 6,
}
OTHERS: Fields = {"linear_num_value_heads": 4, "linear_num_key_heads": 2, "mamba_d_state": 8}
# Of families whose blocks differ: four, attention in the second and the last.
IN_SOME: Fields = {"num_hidden_layers": 4, "layer_types": ["linear_attention", "full_attention"] * 2}
MAMBA: Fields = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_expand": 2, "mamba_n_groups": 1}
CHUNKS: Fields = {"mamba_chunk_size": 4}
OWN: dict[str, Fields] = {
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 6},
    **dict.fromkeys(("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text", "olmo_hybrid", "minimax"), IN_SOME),
    **dict.fromkeys(("kimi_linear", "bailing_hybrid"), IN_SOME | {"linear_head_dim": 8, "linear_num_heads": 4}),
    "qwen4_exp_text": {**IN_SOME, "layer_types": ["linear_attention", "indexed_attention"] * 2},
    **dict.fromkeys(("lfm2", "lfm2_moe", "lfm3"), IN_SOME | {"layer_types": ["conv", "full_attention"] * 2}),
    "jamba": {"num_hidden_layers": 4, "attn_layer_period": 2, "attn_layer_offset": 1, "mamba_dt_rank": 4},
    "bamba": {"num_hidden_layers": 4, "attn_layer_indices": [1, 3], **MAMBA, **CHUNKS},
    "granitemoehybrid": {**IN_SOME, **MAMBA, **CHUNKS},
    "nemotron_h": {
        **{"layers_block_type": ["linear_attention", "full_attention", "mlp", "full_attention"]},
        **{"mamba_num_heads": 4, "mamba_head_dim": 16, "n_groups": 1, "chunk_size": 4},
    },
    "zamba": {
        **{"num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2, "n_mamba_heads": 2},
        **{"attention_hidden_size": 64, "attention_head_dim": 16, "mamba_dt_rank": 4},
    },
    "zamba2": {"num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2, "mamba_headdim": 16},
    "llama4_text": {"no_rope_layers": [1, 0]},
    "mamba2": {"num_heads": 4, "head_dim": 16, "state_size": 8, "n_groups": 1, "chunk_size": 4},
    "recurrent_gemma": {"num_hidden_layers": 4, "block_types": ["recurrent", "attention"]},
}
SIZES = {**TOKENS, **BLOCKS, **WIDTHS, **EXPERTS, **OTHERS}


def tiny_config(model_type: str) -> PreTrainedConfig:
    """Those of the sizes that such a config has; keys and values of a latent attention have a head for each query's.

    Raises whatever the config's class raises for sizes that do not fit together.
    """
    kind = CONFIG_MAPPING[model_type]
    usual = kind()
    fields = {name: size for name, size in SIZES.items() if hasattr(usual, name)}
    if "kv_lora_rank" in fields and "num_key_value_heads" in fields:
        fields["num_key_value_heads"] = fields["num_attention_heads"]
    return kind(**{**fields, **OWN.get(model_type, {})})

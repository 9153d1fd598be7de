//! OpenAI's wire protocol behind the language model port

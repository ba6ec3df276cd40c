"""SageMaker: experiments, endpoints and their configurations, as the emulator keeps them."""

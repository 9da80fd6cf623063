"""Training images."""

from sm_tuning.errors import Invalid

# Accounts that hold AWS's scikit-learn images, from AWS's list of Docker registry paths.
_SKLEARN_ACCOUNTS = {
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
    "ca-central-1": "341280168497",
    "eu-central-1": "492215442770",
    "eu-north-1": "662702820516",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-south-1": "720646828776",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "sa-east-1": "737474898029",
}


def sklearn_image(region: str = "us-east-1", version: str = "1.2-1") -> str:
    """URI of AWS's scikit-learn image.

    Args:
        region: The region whose registry it lies in.
        version: Its version, as `1.2-1`.

    Raises:
        Invalid: The account of that region's registry is not known here.
    """
    account = _SKLEARN_ACCOUNTS.get(region)
    if account is None:
        raise Invalid(f"region is {region!r}, whose image account is not known here; give image= yourself")
    return f"{account}.dkr.ecr.{region}.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"

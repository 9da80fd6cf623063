// A tuning job with the AWS SDK for JavaScript, version 3, as for AWS:
//
//   npm install @aws-sdk/client-sagemaker @aws-sdk/client-s3 @aws-sdk/client-cloudwatch-logs
//   eval "$(sm-tuning emulator env)"
//   node docs/examples/javascript_sdk.mjs
import { execFileSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateHyperParameterTuningJobCommand,
  CreateTrainingJobCommand,
  DescribeHyperParameterTuningJobCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
  paginateListTrainingJobsForHyperParameterTuningJob,
  waitUntilTrainingJobCompletedOrStopped,
} from "@aws-sdk/client-sagemaker";

const region = process.env.AWS_DEFAULT_REGION ?? "us-east-1";
const sagemaker = new SageMakerClient({ region });
const s3 = new S3Client({ region, forcePathStyle: true });
const bucket = "javascript-example";
const here = dirname(fileURLToPath(import.meta.url));
const archive = execFileSync("tar", ["-cz", "-C", here, "sgd.py"]);
await s3.send(new CreateBucketCommand({ Bucket: bucket }));
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "sourcedir.tar.gz", Body: archive }));

const image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3";
const script = { sagemaker_program: "sgd.py", sagemaker_submit_directory: `s3://${bucket}/sourcedir.tar.gz`, "max-iter": "20" };
const common = {
  AlgorithmSpecification: {
    TrainingImage: image,
    TrainingInputMode: "File",
    MetricDefinitions: [{ Name: "accuracy", Regex: "accuracy: ([0-9.]+);" }],
  },
  RoleArn: "arn:aws:iam::123456789012:role/SageMakerRole",
  OutputDataConfig: { S3OutputPath: `s3://${bucket}/output` },
  ResourceConfig: { InstanceType: "ml.m5.large", InstanceCount: 1, VolumeSizeInGB: 10 },
  StoppingCondition: { MaxRuntimeInSeconds: 600 },
};

// One training job, waited for.
const name = "javascript-training";
await sagemaker.send(
  new CreateTrainingJobCommand({ TrainingJobName: name, HyperParameters: { ...script, alpha: "0.001", penalty: "l2" }, ...common }),
);
const waited = await waitUntilTrainingJobCompletedOrStopped(
  { client: sagemaker, maxWaitTime: 120, minDelay: 1, maxDelay: 2 },
  { TrainingJobName: name },
);
console.log(`training ${waited.state}`);

// A tuning job.
const tuning = { HyperParameterTuningJobName: "javascript-tuning" };
await sagemaker.send(
  new CreateHyperParameterTuningJobCommand({
    ...tuning,
    HyperParameterTuningJobConfig: {
      Strategy: "Bayesian",
      HyperParameterTuningJobObjective: { Type: "Maximize", MetricName: "accuracy" },
      ResourceLimits: { MaxNumberOfTrainingJobs: 5, MaxParallelTrainingJobs: 2 },
      ParameterRanges: {
        ContinuousParameterRanges: [{ Name: "alpha", MinValue: "0.000001", MaxValue: "0.1", ScalingType: "Logarithmic" }],
        CategoricalParameterRanges: [{ Name: "penalty", Values: ["l1", "l2"] }],
      },
    },
    TrainingJobDefinition: { StaticHyperParameters: script, ...common },
  }),
);
let job;
do {
  await new Promise((resolve) => setTimeout(resolve, 500));
  job = await sagemaker.send(new DescribeHyperParameterTuningJobCommand(tuning));
} while (job.HyperParameterTuningJobStatus === "InProgress");
console.log(`tuning ${job.HyperParameterTuningJobStatus}`);

const rows = [];
let pages = 0;
for await (const page of paginateListTrainingJobsForHyperParameterTuningJob({ client: sagemaker, pageSize: 2 }, tuning)) {
  pages += 1;
  rows.push(...page.TrainingJobSummaries);
}
console.log(`listed ${rows.length} on ${pages} pages`);
const best = job.BestTrainingJob;
console.log(`best ${best.TrainingJobName} ${best.FinalHyperParameterTuningJobObjectiveMetric.Value.toFixed(4)}`);
const training = await sagemaker.send(new DescribeTrainingJobCommand({ TrainingJobName: best.TrainingJobName }));
const [, model, key] = training.ModelArtifacts.S3ModelArtifacts.match(/^s3:\/\/([^/]+)\/(.+)$/);
const head = await s3.send(new HeadObjectCommand({ Bucket: model, Key: key }));
console.log(`model of ${head.ContentLength} bytes, trained in ${training.TrainingEndTime - training.TrainingStartTime} ms`);
const logs = new CloudWatchLogsClient({ region });
const { events } = await logs.send(
  new FilterLogEventsCommand({ logGroupName: "/aws/sagemaker/TrainingJobs", logStreamNamePrefix: `${best.TrainingJobName}/` }),
);
console.log(`logged ${events.map((event) => event.message).join(" ")}`);
